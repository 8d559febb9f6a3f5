"""Attribution: what wrote the answer."""
