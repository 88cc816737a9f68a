#!/bin/sh
exec git clone ssh://git@git.test/clerk/vendor.git
