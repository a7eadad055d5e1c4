# Boards as data.
boardsdir = $(pkgdatadir)/machines
dist_boards_DATA = machines/virt.json machines/virt-aia.json
