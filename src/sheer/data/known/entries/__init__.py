"""Names and places of datasets go in; the lines of the catalogue come out, a file per kind."""
