// Package release knows which release of ARC a stand-in is told to be.
package release

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// File names the release: one line, `0.18.2` or `v0.18.2`. The image is made with it.
const File = "/arc-version"

// Version is a release of ARC. The two lines of releases do not overlap where arc-setup installs them:
// 0.9 to 0.14 are of the scale-set line, 0.18 to 0.27 of the legacy line.
type Version struct {
	Major, Minor, Patch int
}

// Of is a version written in code.
func Of(major, minor, patch int) Version {
	return Version{major, minor, patch}
}

// Parse reads `MAJOR.MINOR.PATCH`; a leading v is accepted here, unlike in labels.
func Parse(text string) (Version, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "v")
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("%q is no version", text)
	}
	var numbers [3]int
	for index, part := range parts {
		number, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("%q is no version", text)
		}
		numbers[index] = int(number)
	}
	return Version{numbers[0], numbers[1], numbers[2]}, nil
}

// Read reads the version of this image.
func Read() (Version, error) {
	content, err := os.ReadFile(File)
	if err != nil {
		return Version{}, fmt.Errorf("an image of the lab must name its release: %w", err)
	}
	version, err := Parse(string(content))
	if err != nil {
		return Version{}, fmt.Errorf("%s: %w", File, err)
	}
	return version, nil
}

// AtLeast is true from that release on.
func (version Version) AtLeast(major, minor, patch int) bool {
	return !version.Before(Of(major, minor, patch))
}

// Before is true for older releases than the other.
func (version Version) Before(other Version) bool {
	if version.Major != other.Major {
		return version.Major < other.Major
	}
	if version.Minor != other.Minor {
		return version.Minor < other.Minor
	}
	return version.Patch < other.Patch
}

// IsScaleSet is true for the scale-set line of releases.
func (version Version) IsScaleSet() bool {
	return version.Before(Of(0, 15, 0))
}

// String has no leading v.
func (version Version) String() string {
	return fmt.Sprintf("%d.%d.%d", version.Major, version.Minor, version.Patch)
}
