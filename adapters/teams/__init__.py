"""The Teams adapter. Only `app` imports Microsoft's SDK, which takes half a second and 60 MB."""
