"""What requests and answers carry, as marshmallow reads it and the documents publish it."""
