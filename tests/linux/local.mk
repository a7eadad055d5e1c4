# tests/linux
