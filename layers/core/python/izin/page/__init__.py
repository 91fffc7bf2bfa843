"""What does the person see who follows the link in a message? One page, in their language, no scripts."""
