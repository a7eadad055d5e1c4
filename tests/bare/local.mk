# tests/bare
