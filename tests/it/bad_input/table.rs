//! The table of wrong inputs.

/// A command line that must fail.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) name: &'static str,
    /// Parted by spaces.
    pub(super) arguments: &'static str,
    pub(super) code: i32,
    /// What the message must contain: the place, or what to do.
    pub(super) says: &'static str,
}

const fn usage(name: &'static str, arguments: &'static str, says: &'static str) -> Bad {
    Bad {
        name,
        arguments,
        code: 2,
        says,
    }
}

const GOOD: &str = "github: {url: https://github.com, organization: o, token: {env: T}}\nrunnerSets: [{name: a, max: 2}]\n";

/// Files in the directory in which every case runs.
pub(super) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    };
    let with = |more: &str| [GOOD, more].concat().into_bytes();
    let deep = "[".repeat(5000);
    let bomb: String = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
        let below = level - 1;
        let nine = vec![format!("*a{below}"); 9].join(",");
        text + &format!("a{level}: &a{level} [{nine}]\n")
    });
    vec![
        ("good.yaml", GOOD.as_bytes().to_vec()),
        ("folder/inside", Vec::new()),
        ("empty.yaml", Vec::new()),
        ("binary.yaml", (0..=255).cycle().take(4096).collect()),
        ("utf16.yaml", utf16(GOOD)),
        ("huge.yaml", vec![b'#'; 3 << 20]),
        ("deep.yaml", deep.into_bytes()),
        ("bomb.yaml", bomb.into_bytes()),
        ("list.yaml", b"- a\n- b\n".to_vec()),
        ("tabs.yaml", b"github:\n\turl: canary\n".to_vec()),
        ("unclosed.yaml", b"github: {url: \"canary\n".to_vec()),
        ("duplicate.yaml", with("runnerSets: []\n")),
        ("two-documents.yaml", with("---\nname: b\n")),
        ("unknown-key.yaml", with("registri: {host: r.example.com}\n")),
        ("secret-in-file.yaml", b"github: {url: https://github.com, organization: o, token: ghp_canary}\nrunnerSets: [{max: 1}]\n".to_vec()),
        ("wrong-types.yaml", b"github: [a]\nrunnerSets: {max: two}\nproxy: 7\nname: {a: b}\n".to_vec()),
        ("bad-image.yaml", with("controller: {image: 'UPPER/Case:tag with space'}\n")),
        ("bad-rule.yaml", with("registry: {rules: [{host: quay.io}]}\n")),
        ("denied.yaml", with("registry: {host: r.example.com, rules: [{host: ghcr.io, deny: true}]}\n")),
        ("many.yaml", (0..60).fold(GOOD.to_owned(), |text, index| text + &format!("unknown{index}: canary\n")).into_bytes()),
        ("not-a-certificate.pem", b"canary\n".to_vec()),
        ("broken.pem", b"-----BEGIN CERTIFICATE-----\ncanary!\n-----END CERTIFICATE-----\n".to_vec()),
        ("key.pem", b"-----BEGIN PRIVATE KEY-----\nY2FuYXJ5Y2FuYXJ5\n-----END PRIVATE KEY-----\n".to_vec()),
        ("docker-list.json", b"[\"canary\"]".to_vec()),
        ("docker-broken.json", b"{\"auths\": {\"r.example.com\": {\"auth\": \"canary".to_vec()),
        ("docker-empty.json", b"{\"auths\": {}}".to_vec()),
        ("docker-helper.json", b"{\"auths\": {\"r.example.com\": {}}, \"credsStore\": \"desktop\"}".to_vec()),
        ("two-lines.txt", b"ghp_canary\nghp_canary\n".to_vec()),
        ("nothing.txt", b" \n".to_vec()),
        ("account.txt", b"canary-without-colon\n".to_vec()),
        ("kubeconfig-broken", b"clusters: [canary".to_vec()),
        ("kubeconfig-empty", b"apiVersion: v1\nkind: Config\n".to_vec()),
        ("kubeconfig-unreachable", b"apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\nusers: [{name: u, user: {token: canary}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n".to_vec()),
    ]
}

pub(super) const CASES: &[Bad] = &[
    // The command line.
    usage("unknown command", "instal", "unrecognized subcommand"),
    usage("unknown flag", "render --registri x", "--registry"),
    usage(
        "token as a flag",
        "render --github-token ghp_canary",
        "--github-token-file",
    ),
    usage(
        "token as a flag with =",
        "render --github-token=ghp_canary",
        "--github-token-file",
    ),
    usage(
        "token as an argument",
        "render ghp_canary0123",
        "unexpected argument",
    ),
    usage(
        "password in an argument",
        "render http://user:canary@proxy:1",
        "unexpected argument",
    ),
    usage(
        "token where its path belongs",
        "config validate -c good.yaml --github-token-file ghp_canary",
        "--github-token-file",
    ),
    usage(
        "token as the value of a choice",
        "render --container-mode ghp_canary",
        "--container-mode",
    ),
    usage(
        "docker config where its path belongs",
        "config validate -c good.yaml --registry r.example.com --pull-secret-file {\"auths\":{\"canary\":{}}}",
        "--pull-secret-file",
    ),
    usage(
        "account where its path belongs",
        "config validate -c good.yaml --proxy http://p.example.com:1 --proxy-runners same --proxy-credentials-file user:canary",
        "--proxy-credentials-file",
    ),
    usage(
        "unknown format",
        "render -c good.yaml -o xml",
        "text, json, yaml and github",
    ),
    usage("no value", "render --registry", "a value is required"),
    usage(
        "not a number",
        "config validate -c good.yaml --max many",
        "--max",
    ),
    usage(
        "negative number",
        "config validate -c good.yaml --max -1",
        "takes a whole number",
    ),
    usage(
        "huge number",
        "config validate -c good.yaml --max 99999999999999999999",
        "--max",
    ),
    usage(
        "unknown mode",
        "config validate -c good.yaml --mode modern",
        "scale-set, legacy",
    ),
    usage(
        "unknown version",
        "config validate -c good.yaml --arc-version 0.15.9",
        "supported: ",
    ),
    usage(
        "no version",
        "config validate -c good.yaml --arc-version latest",
        "--arc-version",
    ),
    usage(
        "Kubernetes version",
        "render -c good.yaml --kubernetes-version new",
        "such as 1.33",
    ),
    usage("unknown code", "explain no-such-code", "no-such-code"),
    usage(
        "a secret in place of a code",
        "explain ghp_canary0123456789abcdefghijklmnopqrst",
        "not shown",
    ),
    usage("duration", "init -c good.yaml --timeout soon", "--timeout"),
    // The file.
    usage("missing file", "render -c nowhere.yaml", "nowhere.yaml"),
    usage("directory", "render -c folder", "folder is a directory"),
    usage("empty file", "render -c empty.yaml", "--github-url"),
    usage("binary file", "render -c binary.yaml", "binary.yaml"),
    usage("UTF-16", "render -c utf16.yaml", "UTF-8"),
    usage("huge file", "render -c huge.yaml", "larger than"),
    usage("deeply nested", "render -c deep.yaml", "deep.yaml"),
    usage("alias bomb", "render -c bomb.yaml", "bomb.yaml"),
    usage("list", "render -c list.yaml", "list.yaml:1:1"),
    usage("tabs", "render -c tabs.yaml", "tabs.yaml:2"),
    usage("unclosed quote", "render -c unclosed.yaml", "unclosed.yaml"),
    usage(
        "duplicate key",
        "render -c duplicate.yaml",
        "duplicate.yaml:3",
    ),
    usage(
        "two documents",
        "render -c two-documents.yaml",
        "two-documents.yaml",
    ),
    usage(
        "unknown key",
        "render -c unknown-key.yaml",
        "did you mean 'registry'?",
    ),
    usage(
        "a secret in the file",
        "render -c secret-in-file.yaml",
        "secret-in-file.yaml:1",
    ),
    usage(
        "wrong types",
        "render -c wrong-types.yaml",
        "wrong-types.yaml:1",
    ),
    usage("sixty problems", "render -c many.yaml", "60 problems"),
    usage("device", "render -c /dev/zero", "larger than"),
    // References and registries.
    usage("image", "render -c bad-image.yaml", "controller.image"),
    usage("rule", "render -c bad-rule.yaml", "bad-rule.yaml:3"),
    usage("denied image", "render -c denied.yaml", "ghcr.io"),
    usage(
        "registry with a scheme",
        "render -c good.yaml --registry https://r.example.com",
        "HOST[:PORT]",
    ),
    usage(
        "registry with an account",
        "render -c good.yaml --registry u:canary@r.example.com",
        "--registry",
    ),
    usage(
        "registry without a dot",
        "render -c good.yaml --registry mirror",
        "has a dot or a port",
    ),
    usage(
        "map without =",
        "render -c good.yaml --registry-map quay.io",
        "SOURCE=TARGET",
    ),
    usage(
        "map to nowhere",
        "render -c good.yaml --registry-map quay.io=",
        "--registry-map",
    ),
    usage(
        "map with a tag",
        "render -c good.yaml --registry-map quay.io=r.example.com/x:1",
        "--registry-map",
    ),
    // URLs.
    usage(
        "GitHub URL with a path",
        "config validate -c good.yaml --github-url https://github.com/o",
        "--github-org",
    ),
    usage(
        "GitHub URL with an account",
        "config validate -c good.yaml --github-url https://u:canary@github.com",
        "--github-url",
    ),
    usage(
        "GitHub URL of another scheme",
        "config validate -c good.yaml --github-url ftp://github.com",
        "--github-url",
    ),
    usage(
        "proxy with an account",
        "config validate -c good.yaml --proxy http://u:canary@p.example.com",
        "--proxy-credentials-file",
    ),
    usage(
        "proxy without a scheme",
        "config validate -c good.yaml --proxy p.example.com:3128",
        "--proxy",
    ),
    // Certificates and credentials.
    usage(
        "no certificate",
        "render -c good.yaml --ca-bundle not-a-certificate.pem",
        "not-a-certificate.pem",
    ),
    usage(
        "broken certificate",
        "render -c good.yaml --ca-bundle broken.pem",
        "broken.pem",
    ),
    usage(
        "a key as bundle",
        "render -c good.yaml --ca-bundle key.pem",
        "key.pem",
    ),
    usage(
        "missing bundle",
        "render -c good.yaml --ca-bundle nowhere.pem",
        "nowhere.pem",
    ),
    usage(
        "bundle in an empty directory",
        "render -c good.yaml --ca-bundle folder",
        "folder",
    ),
    usage(
        "docker config is a list",
        "config validate -c good.yaml --registry r.example.com --pull-secret-file docker-list.json",
        "--pull-secret-file",
    ),
    usage(
        "docker config is cut off",
        "config validate -c good.yaml --registry r.example.com --pull-secret-file docker-broken.json",
        "--pull-secret-file",
    ),
    usage(
        "docker config is empty",
        "config validate -c good.yaml --registry r.example.com --pull-secret-file docker-empty.json",
        "--pull-secret-file",
    ),
    usage(
        "docker config with a helper",
        "render -c good.yaml --with-secrets --registry r.example.com --pull-secret-file docker-helper.json",
        "helper",
    ),
    usage(
        "token of two lines",
        "config validate -c good.yaml --github-token-file two-lines.txt",
        "--github-token-file",
    ),
    usage(
        "empty token",
        "config validate -c good.yaml --github-token-file nothing.txt",
        "--github-token-file",
    ),
    usage(
        "missing token",
        "config validate -c good.yaml --github-token-file nowhere.txt",
        "nowhere.txt",
    ),
    usage(
        "token is a directory",
        "config validate -c good.yaml --github-token-file ./folder",
        "is a directory",
    ),
    usage(
        "no private key",
        "config validate -c good.yaml --github-app-id 1 --github-app-installation-id 2 --github-app-private-key-file not-a-certificate.pem",
        "--github-app-private-key-file",
    ),
    usage(
        "account without a colon",
        "config validate -c good.yaml --proxy http://p.example.com:1 --proxy-runners same --proxy-credentials-file account.txt",
        "user:password",
    ),
    usage(
        "account of the proxy without a word about runners",
        "config validate -c good.yaml --proxy http://p.example.com:1 --proxy-existing-secret account",
        "--proxy-runners none",
    ),
    usage(
        "runners' account of the proxy said twice",
        "config validate -c good.yaml --proxy http://p.example.com:1 --proxy-existing-secret account --proxy-runners none --proxy-runners-existing-secret own",
        "exclude each other",
    ),
    usage(
        "standard input twice",
        "config validate -c good.yaml --github-token-file - --pull-secret-file -",
        "standard input",
    ),
    usage(
        "missing CRDs",
        "render -c good.yaml --crds nowhere",
        "nowhere",
    ),
    // The cluster.
    usage("no terminal", "init -c good.yaml", "--context"),
    usage(
        "missing kubeconfig",
        "init -c good.yaml --yes --context c --kubeconfig nowhere",
        "nowhere",
    ),
    usage(
        "broken kubeconfig",
        "init -c good.yaml --yes --context c --kubeconfig kubeconfig-broken",
        "kubeconfig-broken",
    ),
    usage(
        "empty kubeconfig",
        "init -c good.yaml --yes --context c --kubeconfig kubeconfig-empty",
        "context",
    ),
    usage(
        "unknown context",
        "init -c good.yaml --yes --context d --kubeconfig kubeconfig-unreachable",
        "context",
    ),
    // What cannot exist is not looked for: nothing found would look like success.
    usage(
        "install that cannot exist",
        "uninstall --yes --context c --name Prod,x --kubeconfig kubeconfig-unreachable",
        "name is not a DNS label",
    ),
    usage(
        "namespace that cannot exist",
        "uninstall --yes --context c --controller-namespace Arc_Systems --kubeconfig kubeconfig-unreachable",
        "namespaces.controller is not a DNS label",
    ),
    usage(
        "namespace to patch that cannot exist",
        "patch-images --yes --context c --registry r.example.com -n Arc_Systems --kubeconfig kubeconfig-unreachable",
        "--namespace",
    ),
    usage(
        "pull secret that cannot exist",
        "patch-images --yes --context c --pull-secret two/names --kubeconfig kubeconfig-unreachable",
        "--pull-secret",
    ),
    Bad {
        name: "unreachable cluster",
        arguments: "init -c good.yaml --yes --context c --kubeconfig kubeconfig-unreachable",
        code: 3,
        says: "127.0.0.1:9",
    },
];
