# tests/repo
