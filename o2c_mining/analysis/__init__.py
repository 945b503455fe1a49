"""One question per module, one public function of the same name."""
