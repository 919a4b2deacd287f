package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	admission "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// Dialect is what a release understands of admission reviews.
type Dialect struct {
	// OnlyBeta is true for controller-runtime 0.4, which knows v1beta1 alone and answers without naming a version.
	OnlyBeta bool
}

// Patch is one operation of a JSON patch.
type Patch struct {
	Operation string `json:"op"`
	Path      string `json:"path"`
	Value     any    `json:"value,omitempty"`
}

// Verdict is what is said to an object: a refusal, or patches.
type Verdict struct {
	Refused string
	Code    int32
	Patches []Patch
}

// Decide judges a request.
type Decide func(context.Context, *admission.AdmissionRequest) Verdict

const (
	group = "admission.k8s.io/"
	beta  = group + "v1beta1"
)

type reviewer struct {
	dialect Dialect
	decide  Decide
	log     logging.Logger
}

// ServeHTTP answers one review. v1 and v1beta1 have the same fields, so one type reads both.
func (reviewer reviewer) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	var review admission.AdmissionReview
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = reviewer.read(request, body, &review)
	}
	answer := &admission.AdmissionResponse{}
	if err != nil {
		reviewer.log.Error(err, "unable to decode the request")
		answer.Result = &v1.Status{Code: http.StatusBadRequest, Message: err.Error()}
	} else {
		answer = respond(reviewer.decide(request.Context(), review.Request))
		answer.UID = review.Request.UID
	}
	reply := admission.AdmissionReview{Response: answer}
	if !reviewer.dialect.OnlyBeta {
		reply.TypeMeta = review.TypeMeta
		if reply.APIVersion == "" {
			reply.TypeMeta = v1.TypeMeta{Kind: "AdmissionReview", APIVersion: group + "v1"}
		}
	}
	if err := json.NewEncoder(writer).Encode(reply); err != nil {
		reviewer.log.Error(err, "unable to encode the response")
	}
}

func (reviewer reviewer) read(request *http.Request, body []byte, review *admission.AdmissionReview) error {
	if len(body) == 0 {
		return fmt.Errorf("request body is empty")
	}
	if found := request.Header.Get("Content-Type"); found != "application/json" {
		return fmt.Errorf("contentType=%s, expected application/json", found)
	}
	if err := json.Unmarshal(body, review); err != nil {
		return err
	}
	version := review.APIVersion
	if version != beta && (version != group+"v1" || reviewer.dialect.OnlyBeta) {
		return fmt.Errorf("no kind %q is registered for version %q", review.Kind, version)
	}
	if review.Request == nil {
		return fmt.Errorf("the review has no request")
	}
	return nil
}

func respond(verdict Verdict) *admission.AdmissionResponse {
	if verdict.Refused != "" {
		status := &v1.Status{Status: v1.StatusFailure, Code: verdict.Code, Message: verdict.Refused, Reason: v1.StatusReason(verdict.Refused)}
		if verdict.Code == http.StatusUnprocessableEntity {
			status.Reason = v1.StatusReasonInvalid
		}
		return &admission.AdmissionResponse{Result: status}
	}
	answer := &admission.AdmissionResponse{Allowed: true, Result: &v1.Status{Code: http.StatusOK}}
	if len(verdict.Patches) > 0 {
		kind := admission.PatchTypeJSONPatch
		answer.PatchType = &kind
		// A slice of strings, numbers, maps and lists always encodes.
		answer.Patch, _ = json.Marshal(verdict.Patches)
	}
	return answer
}

// Pointer writes names as a JSON pointer.
func Pointer(names ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var pointer strings.Builder
	for _, name := range names {
		pointer.WriteString("/" + escape.Replace(name))
	}
	return pointer.String()
}
