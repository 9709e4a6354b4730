#!/bin/sh
if true; then
	echo "{{ not a template }}"
fi
