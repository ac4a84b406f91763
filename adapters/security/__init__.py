"""Passwords by bcrypt, access tokens by PyJWT."""
