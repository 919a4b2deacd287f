package webhook

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Directory is where every release looks for its certificate; no flag moves it.
const Directory = "/tmp/k8s-webhook-server/serving-certs"

// certificate is read again when its files change: a kubelet replaces them under a running process.
type certificate struct {
	directory string
	mutex     sync.Mutex
	pair      *tls.Certificate
	changed   time.Time
}

// load reads the files once, and fails where they are missing.
func load(directory string) (*certificate, error) {
	certificate := &certificate{directory: directory}
	return certificate, certificate.read()
}

func (c *certificate) paths() (chain, key string) {
	return filepath.Join(c.directory, "tls.crt"), filepath.Join(c.directory, "tls.key")
}

func (c *certificate) read() error {
	chain, key := c.paths()
	about, err := os.Stat(chain)
	if err != nil {
		// The words of opening it, which is what the original does.
		_, err = os.ReadFile(chain)
		return err
	}
	pair, err := tls.LoadX509KeyPair(chain, key)
	if err != nil {
		return err
	}
	c.pair, c.changed = &pair, about.ModTime()
	return nil
}

// current is the newest pair that could be read.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	chain, _ := c.paths()
	if about, err := os.Stat(chain); err == nil && !about.ModTime().Equal(c.changed) {
		_ = c.read()
	}
	return c.pair, nil
}
