package trial

import "strings"

// ImageContext returns the image that a further build context names, as Docker's command
// does: docker-image://golang:1.26. It is false for a folder.
func ImageContext(context string) (ref string, is bool) {
	return strings.CutPrefix(context, ImageContextPrefix)
}

// ImageContextPrefix begins a further build context that is an image.
const ImageContextPrefix = "docker-image://"
