//! Of objects of Kubernetes.

use serde_json::{Value as Json, json};

use super::{flagged, of_new};
use crate::diff::risk::tests::{of_pods, of_texts, of_trees, of_values, pod};

#[test]
fn roles_of_kubernetes_take_from_others() {
    let path = "kubernetes/x.yaml";
    let role = |more: &Json| {
        let mut role = json!({"kind": "ClusterRole", "metadata": {"name": "x"}, "rules": []});
        for (key, value) in more.as_object().expect("members") {
            role[key] = value.clone();
        }
        role
    };
    let plain = role(&json!({}));
    let takes =
        role(&json!({"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}));
    let gives = role(&json!({"metadata": {"name": "x",
        "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}}));
    for (new, what) in [
        (
            takes,
            "a role may do whatever other roles permit (`aggregationRule`)",
        ),
        (gives, "what a role permits is added to `view`"),
    ] {
        assert_eq!(of_values(path, &plain, &new), flagged(what));
        assert_eq!(of_new(path, &new), flagged(what));
        assert!(of_values(path, &new, &plain).is_empty());
    }
    let account = |more: &Json| {
        json!({"kind": "ServiceAccount", "metadata": {"name": "x", "annotations": more},
            "automountServiceAccountToken": false})
    };
    let arn = |name: &str| json!({"eks.amazonaws.com/role-arn": name});
    assert_eq!(
        of_values(path, &account(&json!({})), &account(&arn("a"))),
        flagged("a ServiceAccount gets an IAM role")
    );
    assert_eq!(
        of_values(path, &account(&arn("a")), &account(&arn("b"))),
        flagged("a ServiceAccount gets another IAM role")
    );
    assert!(of_values(path, &account(&arn("a")), &account(&json!({"a": "b"}))).is_empty());
}

#[test]
fn a_new_binding_may_be_for_everybody() {
    let binding = |kind: &str, name: &str| {
        json!({"kind": "ClusterRoleBinding", "metadata": {"name": "x"}, "roleRef": {"name": "x"},
            "subjects": [{"kind": kind, "name": name}]})
    };
    let path = "kubernetes/binding.yaml";
    assert_eq!(
        of_new(path, &binding("Group", "system:unauthenticated")),
        flagged("everybody gets a role: `system:unauthenticated`")
    );
    assert_eq!(of_new(path, &binding("ServiceAccount", "a")), [""; 0]);
}

#[test]
fn a_namespace_that_moves_gives_no_role_to_others() {
    let binding = |namespace: &str| {
        json!({"kind": "ClusterRoleBinding", "metadata": {"name": "x"}, "roleRef": {"name": "x"},
            "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": namespace}]})
        .to_string()
    };
    let account = json!({"kind": "ServiceAccount", "metadata": {"name": "a"}}).to_string();
    let tree = |namespace: &str, bound: &str| {
        let kustomization = json!({"kind": "Kustomization", "namespace": namespace}).to_string();
        [
            ("kubernetes/kustomization.yaml", kustomization),
            ("kubernetes/account.yaml", account.clone()),
            ("kubernetes/binding.yaml", binding(bound)),
        ]
    };
    let moved = "kubernetes-object-replaced: every object is recreated in the namespace `logs` instead of `logging`";
    assert_eq!(
        of_trees(&tree("logging", "logging"), &tree("logs", "logs")),
        [moved]
    );
    assert_eq!(
        of_trees(&tree("logging", "logging"), &tree("logging", "other")),
        flagged("a role is given to another ServiceAccount `a`")
    );
}

#[test]
fn pods_become_others() {
    let spec =
        |account: &str| json!({"serviceAccountName": account, "containers": [{"name": "a"}]});
    assert_eq!(
        of_pods(&spec("a"), &spec("b")),
        flagged("pods have the rights of the ServiceAccount `b` instead of `a`")
    );
    let token = |value: Json| json!({"automountServiceAccountToken": value, "containers": []});
    for (old, new, count) in [
        (json!(false), json!(true), 1),
        (json!(false), json!(null), 1),
        (json!(null), json!(true), 1),
        (json!(true), json!(false), 0),
        (json!(true), json!(null), 0),
    ] {
        assert_eq!(
            of_pods(&token(old), &token(new.clone())).len(),
            count,
            "{new}"
        );
    }
    let profile = |kind: &str| json!({"securityContext": {"seccompProfile": {"type": kind}}, "containers": [{"name": "a"}]});
    let what = "a container may make any system call (`a`)";
    assert_eq!(
        of_pods(&profile("RuntimeDefault"), &profile("Unconfined")),
        flagged(what)
    );
    assert!(of_pods(&profile("Unconfined"), &profile("RuntimeDefault")).is_empty());
}

#[test]
fn networks_open() {
    let path = "kubernetes/network.yaml";
    let policy = |spec: &str| {
        format!(
            "kind: NetworkPolicy\nmetadata: {{ name: a }}\nspec: {{ podSelector: {{ matchLabels: {{ a: b }} }}, {spec} }}\n"
        )
    };
    let closed = policy("policyTypes: [Ingress], ingress: []");
    let some = policy(
        "policyTypes: [Ingress], ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 1 }] }]",
    );
    let port = policy("policyTypes: [Ingress], ingress: [{ ports: [{ port: 1 }] }]");
    let open = policy("policyTypes: [Ingress], ingress: [{}]");
    let none = policy("policyTypes: [Egress]");
    for (old, new) in [
        (&closed, &some),
        (&some, &port),
        (&port, &open),
        (&some, &none),
    ] {
        assert_eq!(
            of_texts(path, old, new),
            flagged("more may connect to pods (`NetworkPolicy`)"),
            "{new}"
        );
    }
    for (old, new) in [(&some, &closed), (&port, &some), (&open, &port)] {
        assert!(of_texts(path, old, new).is_empty(), "{new}");
    }
    let mut set = pod(&json!({"containers": []}));
    set["spec"]["template"]["metadata"] = json!({"labels": {"a": "b"}});
    let set = ("kubernetes/set.yaml", set.to_string());
    assert_eq!(
        of_trees(&[(path, some.clone()), set.clone()], &[set]),
        flagged("a NetworkPolicy no longer limits who may connect to pods")
    );
    assert_eq!(of_trees(&[(path, some)], &[]), [""; 0]);
}
