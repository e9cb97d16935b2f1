#!/bin/sh
# A package that is installed starts no service.
exit 101
