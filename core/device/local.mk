# core/device: sources of this layer
core_libcore_a_SOURCES += \
	core/device/device.c core/device/device.h \
	core/device/event.c core/device/event.h \
	core/device/explain.c \
	core/device/facts.c core/device/facts.h \
	core/device/field.c core/device/field.h \
	core/device/global.c \
	core/device/help.c \
	core/device/irq.c core/device/irq.h \
	core/device/leaving.c \
	core/device/lock.c core/device/lock.h \
	core/device/method.c core/device/method.h \
	core/device/property.c core/device/property.h \
	core/device/spec.c core/device/spec.h \
	core/device/type.c core/device/type.h \
	core/device/value.c core/device/value.h
