package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// reviewer asks the API server, as the ServiceAccount of this pod.
type reviewer struct {
	client kubernetes.Interface
}

// refusal is what the client is answered.
type refusal struct {
	status int
	text   string
}

// review says who asks and whether they may; nil lets the request through.
func (reviewer reviewer) review(request *http.Request, audiences []string) *refusal {
	ctx := request.Context()
	user, err := reviewer.authenticate(ctx, request, audiences)
	if err != nil {
		klog.Errorf("Unable to authenticate the request due to an error: %v", err)
	}
	if err != nil || user == nil {
		return &refusal{http.StatusUnauthorized, "Unauthorized"}
	}
	verbs := map[string]string{"POST": "create", "GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
	verb := verbs[request.Method]
	// A SubjectAccessReview asks for `get` on the path, as for a non-resource URL of the API server.
	answer, err := reviewer.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorization.SubjectAccessReview{
		Spec: authorization.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra(user.Extra),
			NonResourceAttributes: &authorization.NonResourceAttributes{Path: request.URL.Path, Verb: verb},
		},
	}, meta.CreateOptions{})
	about := fmt.Sprintf("(user=%s, verb=%s, resource=, subresource=)", user.Username, verb)
	if err != nil {
		klog.Errorf("Authorization error %s: %v", about, err)
		return &refusal{http.StatusInternalServerError, "Authorization error " + about}
	}
	if !answer.Status.Allowed {
		return &refusal{http.StatusForbidden, "Forbidden " + about}
	}
	return nil
}

// authenticate is nil without an error where there is no token or it is nobody's.
func (reviewer reviewer) authenticate(ctx context.Context, request *http.Request, audiences []string) (*authentication.UserInfo, error) {
	kind, token, _ := strings.Cut(request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "bearer") || token == "" {
		return nil, nil
	}
	answer, err := reviewer.client.AuthenticationV1().TokenReviews().Create(ctx, &authentication.TokenReview{
		Spec: authentication.TokenReviewSpec{Token: token, Audiences: audiences},
	}, meta.CreateOptions{})
	if err != nil {
		return nil, err
	}
	if answer.Status.Error != "" {
		return nil, fmt.Errorf("%s", answer.Status.Error)
	}
	if !answer.Status.Authenticated {
		return nil, nil
	}
	return &answer.Status.User, nil
}

func extra(values map[string]authentication.ExtraValue) map[string]authorization.ExtraValue {
	result := make(map[string]authorization.ExtraValue, len(values))
	for key, value := range values {
		result[key] = authorization.ExtraValue(value)
	}
	return result
}
