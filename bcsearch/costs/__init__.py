"""What a study will cost on this machine, before it runs. Imports training, features and the floors below."""
