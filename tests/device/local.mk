# tests/device
