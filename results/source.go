package results

// ImageSource tells whether an image is built from the same as another time.
type ImageSource struct {
	Image string `json:"image"`
	// Recipe is the hash of the Dockerfile and the build arguments, Context
	// that of all that is sent to the engine; both are SHA-256 in hex.
	Recipe  string `json:"recipe_sha256"`
	Context string `json:"context_sha256"`
}
