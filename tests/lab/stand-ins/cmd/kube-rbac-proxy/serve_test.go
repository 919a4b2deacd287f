package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

// cluster knows one token, and lets its owner get /metrics.
func cluster() *fake.Clientset {
	client := fake.NewClientset()
	client.PrependReactor("create", "tokenreviews", func(action ktesting.Action) (bool, runtime.Object, error) {
		review := action.(ktesting.CreateAction).GetObject().(*authentication.TokenReview)
		review.Status.Authenticated = review.Spec.Token == "good"
		review.Status.User.Username = "prometheus"
		return true, review, nil
	})
	client.PrependReactor("create", "subjectaccessreviews", func(action ktesting.Action) (bool, runtime.Object, error) {
		review := action.(ktesting.CreateAction).GetObject().(*authorization.SubjectAccessReview)
		asked := review.Spec.NonResourceAttributes
		review.Status.Allowed = review.Spec.User == "prometheus" && asked.Path == "/metrics" && asked.Verb == "get"
		return true, review, nil
	})
	return client
}

func TestOnlyWhoMayIsLetThrough(t *testing.T) {
	upstream := http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) { response.WriteHeader(http.StatusTeapot) })
	handler := guard(&settings{}, reviewer{cluster()}, upstream)
	for _, each := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/metrics", "", 401},
		{"GET", "/metrics", "bad", 401},
		{"GET", "/other", "good", 403},
		{"POST", "/metrics", "good", 403},
		{"GET", "/metrics", "good", 418},
	} {
		request := httptest.NewRequest(each.method, each.path, nil)
		if each.token != "" {
			request.Header.Set("Authorization", "Bearer "+each.token)
		}
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		if response.Code != each.want {
			t.Errorf("%+v: %d", each, response.Code)
		}
	}
}
