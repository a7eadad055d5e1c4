# tests/memory
