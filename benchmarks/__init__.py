"""What a deploy costs beside the ways people deploy without it: `make bench`."""
