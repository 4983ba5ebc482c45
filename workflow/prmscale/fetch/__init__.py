"""What a study needs from the Hugging Face hub: listed, downloaded, and checked offline."""
