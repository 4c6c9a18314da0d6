"""The page at `/`: plain files, served as they are."""
