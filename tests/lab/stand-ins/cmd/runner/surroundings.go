package main

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"arc-setup/tests/lab/stand-ins/internal/dotnet"
)

type processIdentity struct {
	UID             int   `json:"uid"`
	GID             int   `json:"gid"`
	Groups          []int `json:"groups"`
	NoNewPrivileges bool  `json:"no_new_privileges"`
}

func readProcess() processIdentity {
	groups, _ := os.Getgroups()
	status, _ := os.ReadFile("/proc/self/status")
	return processIdentity{os.Getuid(), os.Getgid(), groups, strings.Contains(string(status), "NoNewPrivs:\t1")}
}

// trustStore is what .NET would trust, and what `update-ca-certificates` works from and made.
type trustStore struct {
	File          string   `json:"file"`
	Folders       []string `json:"folders"`
	Roots         []string `json:"roots"`
	Intermediates []string `json:"intermediates"`
	// Local are the files below /usr/local/share/ca-certificates.
	Local []string `json:"local"`
	// Bundle has the subjects of the image's own bundle.
	Bundle []string `json:"bundle"`
}

const (
	localFolder  = "/usr/local/share/ca-certificates"
	systemBundle = "/etc/ssl/certs/ca-certificates.crt"
)

func readTrust(environment func(string) string, version dotnet.Release) trustStore {
	trust := dotnet.LoadTrust(environment, version)
	bundle := dotnet.LoadTrust(func(name string) string {
		return map[string]string{"SSL_CERT_FILE": systemBundle, "SSL_CERT_DIR": "/nowhere"}[name]
	}, version)
	store := trustStore{
		File: trust.File, Folders: trust.Folders, Roots: names(trust.Roots), Intermediates: names(trust.Intermediates),
		Bundle: append(names(bundle.Roots), names(bundle.Intermediates)...),
	}
	_ = filepath.WalkDir(localFolder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".crt") && !strings.Contains(path, "/..") {
			store.Local = append(store.Local, path)
		}
		return nil
	})
	return store
}

func names(certificates []*x509.Certificate) []string {
	list := make([]string, 0, len(certificates))
	for _, certificate := range certificates {
		list = append(list, certificate.Subject.String())
	}
	return list
}

// mount is a line of /proc/self/mountinfo.
type mount struct {
	Path    string `json:"path"`
	Device  string `json:"device"`
	Type    string `json:"type"`
	Source  string `json:"source"`
	Root    string `json:"root"`
	Options string `json:"options"`
}

func readMounts() []mount {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer file.Close()
	var mounts []mount
	for lines := bufio.NewScanner(file); lines.Scan(); {
		before, after, found := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if found && len(left) >= 6 && len(right) >= 2 {
			mounts = append(mounts, mount{left[4], left[2], right[0], right[1], left[3], left[5]})
		}
	}
	return mounts
}

// device is what decides whether a move is a rename: the file system, and the mount, since renames do not cross mounts.
type device struct {
	Number string `json:"number"`
	Mount  string `json:"mount"`
}

func deviceOf(path string) (device, error) {
	var status syscall.Stat_t
	if err := syscall.Stat(path, &status); err != nil {
		return device{}, err
	}
	// Linux puts the minor's upper bits above the major's.
	major := status.Dev>>8&0xfff | status.Dev>>32&^uint64(0xfff)
	minor := status.Dev&0xff | status.Dev>>12&^uint64(0xff)
	return device{fmt.Sprintf("%d:%d", major, minor), mountOf(path, readMounts())}, nil
}

// mountOf is the longest mount path above `path`.
func mountOf(path string, mounts []mount) string {
	longest := ""
	for _, each := range mounts {
		within := path == each.Path || each.Path == "/" || strings.HasPrefix(path, each.Path+"/")
		if within && len(each.Path) >= len(longest) {
			longest = each.Path
		}
	}
	return longest
}
