package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	ktesting "k8s.io/client-go/testing"

	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// github has one job, whose messages it hands out one by one; when the last is deleted, the test is over.
type github struct {
	mutex sync.Mutex
	asked []string
	end   context.CancelFunc
}

func (github *github) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	github.mutex.Lock()
	github.asked = append(github.asked, request.Method+" "+request.URL.Path)
	github.mutex.Unlock()
	answer := func(status int, format string, arguments ...any) {
		response.WriteHeader(status)
		fmt.Fprintf(response, format, arguments...)
	}
	message := func(id int, kind string, assigned int) {
		body, _ := json.Marshal(fmt.Sprintf(`[{"messageType": %q, "runnerRequestId": 7, "runnerName": "linux-1", "ownerName": "acme", "repositoryName": "app"}]`, kind))
		answer(200, `{"messageId": %d, "messageType": "RunnerScaleSetJobMessages", "body": %s, "statistics": {"totalAssignedJobs": %d}}`, id, body, assigned)
	}
	const sessions = "/tenant/_apis/runtime/runnerscalesets/1/sessions"
	switch request.Method + " " + request.URL.RequestURI() {
	case "POST /api/v3/orgs/acme/actions/runners/registration-token":
		answer(201, `{"token": "r"}`)
	case "POST /api/v3/actions/runner-registration":
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp": %d}`, time.Now().Add(time.Hour).Unix()))
		answer(200, `{"url": "http://%s/tenant/", "token": "h.%s.s"}`, request.Host, claims)
	case "POST " + sessions + "?api-version=6.0-preview":
		answer(200, `{"sessionId": "s-1", "messageQueueUrl": "http://%s/queue/1", "messageQueueAccessToken": "q", "statistics": {"totalAssignedJobs": 0}}`, request.Host)
	case "POST /tenant/_apis/runtime/runnerscalesets/1/acquirejobs?api-version=6.0-preview":
		if request.Header.Get("Authorization") != "Bearer q" {
			answer(401, "")
			return
		}
		answer(200, `{"count": 1, "value": [7]}`)
	case "GET /queue/1":
		message(1, "JobAvailable", 0)
	case "GET /queue/1?lastMessageId=1":
		message(2, "JobStarted", 1)
	case "GET /queue/1?lastMessageId=2":
		github.end()
		answer(202, "")
	case "DELETE /queue/1/1", "DELETE /queue/1/2", "DELETE " + sessions + "/s-1?api-version=6.0-preview":
		answer(204, "")
	default:
		answer(404, "%s %s", request.Method, request.URL)
	}
}

func TestAJobIsAcquiredARunnerAskedForAndTheSessionClosed(t *testing.T) {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	github := &github{end: end}
	server := httptest.NewServer(github)
	defer server.Close()

	kinds := map[schema.GroupVersionResource]string{sets: "EphemeralRunnerSetList", runners: "EphemeralRunnerList"}
	cluster := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds)
	var patches []string
	cluster.PrependReactor("patch", "*", func(action ktesting.Action) (bool, runtime.Object, error) {
		patch := action.(ktesting.PatchAction)
		patches = append(patches, patch.GetName()+" "+patch.GetSubresource()+" "+string(patch.GetPatch()))
		return true, &unstructured.Unstructured{}, nil
	})

	client, err := scaleset.New(server.URL+"/acme", scaleset.Credentials{Token: "pat"}, scaleset.Settings{ScaleSetID: 1})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	session, err := openSession(ctx, client, 1, "host", logger)
	if err != nil {
		t.Fatal(err)
	}
	scaler := &scaler{client: cluster, logger: logger, sequence: -1, config: &config{
		EphemeralRunnerSetNamespace: "runners", EphemeralRunnerSetName: "linux", MinRunners: 0, MaxRunners: 3,
	}}
	if err := listen(ctx, session, scaler, logger); err == nil {
		t.Error("it ends with an error, as the original does")
	}
	if err := session.close(context.Background()); err != nil {
		t.Error(err)
	}

	want := []string{
		`linux  {"spec":{"patchID":0,"replicas":0}}`,
		`linux  {"spec":{"patchID":0,"replicas":0}}`,
		`linux-1 status {"status":{"jobDisplayName":"","jobId":"","jobRepositoryName":"acme/app","jobRequestId":7,"jobWorkflowRef":"","workflowRunId":0}}`,
		`linux  {"spec":{"patchID":2,"replicas":1}}`,
	}
	if len(patches) < len(want) || !slices.Equal(patches[:len(want)], want) {
		t.Errorf("patches:\n%q", patches)
	}
	for _, call := range []string{"POST /tenant/_apis/runtime/runnerscalesets/1/acquirejobs", "DELETE /queue/1/2", "DELETE /tenant/_apis/runtime/runnerscalesets/1/sessions/s-1"} {
		if !slices.Contains(github.asked, call) {
			t.Errorf("never asked: %s\n%q", call, github.asked)
		}
	}
}
