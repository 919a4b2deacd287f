#!/bin/sh
# Standard input: what Helm has rendered. Standard output: the same with the images of images.yaml.
exec arc-setup rewrite --config "$(dirname "$0")/images.yaml" -
