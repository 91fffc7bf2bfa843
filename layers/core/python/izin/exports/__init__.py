"""DynamoDB exports to S3, as files: `read` reads them, `write` writes them in the same layout."""
