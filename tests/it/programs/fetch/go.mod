module arc-setup.dev/fetch

go 1.22
