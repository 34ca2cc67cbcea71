"""Terms of datasets, as their publishers state them."""

CC_BY = "CC BY 4.0"
NOT_STATED = "not stated by the publisher"
