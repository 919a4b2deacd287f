package logging

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestLinesReadAsTheOriginals(t *testing.T) {
	var out bytes.Buffer
	logger := To(&out).WithName("controllers").WithName("Runner").With("runner", "ns/a")
	logger.Error(errors.New(`User "x" is forbidden`), "Failed to update runner", "count", 2)
	first, stack, _ := strings.Cut(out.String(), "\n")
	_, rest, _ := strings.Cut(first, "\t")
	want := "ERROR\tcontrollers.Runner\tFailed to update runner\t" + `{"runner": "ns/a", "count": 2, "error": "User \"x\" is forbidden"}`
	if rest != want {
		t.Errorf("the line is %q, not %q", rest, want)
	}
	if !strings.Contains(stack, "TestLinesReadAsTheOriginals") {
		t.Errorf("no stack follows: %s", stack)
	}
}

func TestLevelsAndFormatsAreChecked(t *testing.T) {
	if _, err := New("loud", "text"); err == nil {
		t.Error("an unknown level is accepted")
	}
	if _, err := New("info", "xml"); err == nil {
		t.Error("an unknown format is accepted")
	}
}
