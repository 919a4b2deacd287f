// Reads texts and answers what the reference grammar makes of them, in order.
//
// A text is its length (32 bits, little-endian) and its bytes. An answer is a line: "-" for what is no reference,
// else domain, path, tag and digest, each after a "+". No part of a reference can hold a "+" or a line break.
//
// reference.ParseNormalizedNamed is what the kubelet splits image names with, and what ParseDockerRef, which
// containerd's CRI uses, begins with.
package main

import (
	"bufio"
	// Digests are only known whose hash is linked in; every container runtime has these.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"os"

	"github.com/distribution/reference"
)

func main() {
	log.SetFlags(0)
	in, out := bufio.NewReaderSize(os.Stdin, 1<<16), bufio.NewWriterSize(os.Stdout, 1<<16)
	if err := answer(in, out); err != nil {
		log.Fatalf("reference: %v", err)
	}
}

func answer(in *bufio.Reader, out *bufio.Writer) error {
	var text []byte
	for {
		var length uint32
		if err := binary.Read(in, binary.LittleEndian, &length); errors.Is(err, io.EOF) {
			return out.Flush()
		} else if err != nil {
			return err
		}
		text = append(text[:0], make([]byte, length)...)
		if _, err := io.ReadFull(in, text); err != nil {
			return err
		}
		if _, err := out.WriteString(parts(string(text)) + "\n"); err != nil {
			return err
		}
		// The other side may wait for this answer before it sends more.
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func parts(text string) string {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return "-"
	}
	line := "+" + reference.Domain(named) + "+" + reference.Path(named) + "+"
	if tagged, ok := named.(reference.Tagged); ok {
		line += tagged.Tag()
	}
	line += "+"
	if digested, ok := named.(reference.Digested); ok {
		line += digested.Digest().String()
	}
	return line
}
