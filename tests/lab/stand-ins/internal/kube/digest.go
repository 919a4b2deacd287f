package kube

import (
	"encoding/json"
	"fmt"
	"hash/fnv"

	"k8s.io/apimachinery/pkg/util/rand"
)

// Digest is a short name for the content of objects: FNV-1a of 32 bits, in letters that make no words.
func Digest(objects ...any) string {
	sum := fnv.New32a()
	for _, object := range objects {
		// Specifications always encode.
		content, _ := json.Marshal(object)
		_, _ = sum.Write(content)
	}
	return rand.SafeEncodeString(fmt.Sprint(sum.Sum32()))
}
