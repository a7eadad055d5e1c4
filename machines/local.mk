# Boards as data.
boardsdir = $(pkgdatadir)/machines
dist_boards_DATA = machines/virt.json machines/virt-aia.json
# For editors and checkers of who writes a machine type; not where such files are looked up.
dist_pkgdata_DATA = machines/machine-type.schema.json
