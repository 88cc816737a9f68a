#!/bin/sh
exec curl -fsS http://127.0.0.1:18070/
