#!/bin/sh
cat /patterns/twill.txt
