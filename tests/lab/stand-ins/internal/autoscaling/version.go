package autoscaling

import (
	"strings"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// allowed is false for a set that was made for another release: the controller deletes it. Until 0.11 the label must
// be equal, from 0.12 on major and minor must. A leading v is no version.
func allowed(label string, build release.Version) bool {
	if label == build.String() {
		return true
	}
	if !build.AtLeast(0, 12, 0) || strings.HasPrefix(label, "v") {
		return false
	}
	made, err := release.Parse(label)
	return err == nil && made.Major == build.Major && made.Minor == build.Minor
}
