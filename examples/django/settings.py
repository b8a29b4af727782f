"""The settings that this example needs; your project has more."""

import secrets

SECRET_KEY = secrets.token_hex()
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
