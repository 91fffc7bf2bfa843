"""The cloud as one CDK stack, synthesized offline. It decides nothing about messages."""
