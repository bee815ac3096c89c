//! The manifests of the example for Kubernetes: whether they are in the form that they have to have, and whether what they name is
//! there.

use std::path::Path;

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/examples/kubernetes");

fn text(file: &str) -> String {
    std::fs::read_to_string(Path::new(FOLDER).join(file)).unwrap()
}

/// What stands at a path such as `/spec/ports/0/name`.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    value.pointer(path).unwrap_or_else(|| panic!("there is no {path}"))
}

/// The entries of a list with this name.
fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let mut entries = list.as_array().unwrap().iter().filter(|entry| entry["name"] == name);
    let entry = entries.next().unwrap_or_else(|| panic!("there is no {name}"));
    assert!(entries.next().is_none(), "{name} is there twice");
    entry
}

fn manifests() -> [Value; 2] {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text("cluster.yaml")).unwrap();
    documents.try_into().unwrap()
}

#[test]
fn the_service_is_headless_and_names_the_pods_and_their_port() {
    let [service, set] = manifests();
    assert_eq!((&service["apiVersion"], &service["kind"]), (&"v1".into(), &"Service".into()));
    assert_eq!((&set["apiVersion"], &set["kind"]), (&"apps/v1".into(), &"StatefulSet".into()));
    assert_eq!(at(&service, "/spec/clusterIP"), "None");
    assert_eq!(at(&service, "/spec/publishNotReadyAddresses"), true);
    assert_eq!(at(&set, "/spec/serviceName"), at(&service, "/metadata/name"));
    let labels = at(&service, "/spec/selector");
    assert_eq!(at(&set, "/spec/selector/matchLabels"), labels);
    assert_eq!(at(&set, "/spec/template/metadata/labels"), labels);
    // Its name makes the records that the program asks for.
    let port = named(at(&service, "/spec/ports"), "dist");
    assert!(text("main.rs").contains("\"_dist._tcp.{service}\""));
    let node = named(at(&set, "/spec/template/spec/containers"), "node");
    let container_port = named(&node["ports"], port["targetPort"].as_str().unwrap());
    assert_eq!((&container_port["containerPort"], &port["port"]), (&4000.into(), &4000.into()));
    assert!(text("main.rs").contains(":4000\""));
}

#[test]
fn the_cookie_is_in_a_file_of_the_nodes_own_and_in_no_variable() {
    let [service, set] = manifests();
    let pod = at(&set, "/spec/template/spec");
    let (node, copies) = (named(&pod["containers"], "node"), named(&pod["initContainers"], "cookie"));
    // What the program reads, and nothing else: from fields of the pod, or in clear.
    for variable in node["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let keys: Vec<_> = variable.as_object().unwrap().keys().collect();
        assert!(keys == ["name", "value"] || keys == ["name", "valueFrom"], "{variable}");
        assert!(variable.pointer("/valueFrom/secretKeyRef").is_none(), "{name}");
        let reads = text("main.rs").contains(&format!("variable(\"{name}\")"));
        assert!(reads || name == "POD_NAMESPACE", "{name}");
    }
    assert!(node.get("envFrom").is_none() && copies.get("env").is_none());
    let service_name = service.pointer("/metadata/name").unwrap().as_str().unwrap();
    let domain = format!("{service_name}.$(POD_NAMESPACE).svc.cluster.local");
    assert_eq!(named(&node["env"], "SERVICE")["value"], domain.as_str());
    assert_eq!(at(named(&node["env"], "POD_NAME"), "/valueFrom/fieldRef/fieldPath"), "metadata.name");
    // From the secret by a copy, to where the program looks.
    let secret = named(&pod["volumes"], "secret");
    assert_eq!(at(secret, "/secret/defaultMode"), 0o400);
    assert!(
        text("README.md")
            .contains(&format!("secret generic {}", at(secret, "/secret/secretName").as_str().unwrap()))
    );
    assert_eq!(at(named(&pod["volumes"], "cookie"), "/emptyDir/medium"), "Memory");
    let folder = |container: &Value, volume| {
        named(&container["volumeMounts"], volume)["mountPath"].as_str().unwrap().to_owned()
    };
    let (from, to) = (folder(copies, "secret"), folder(copies, "cookie"));
    assert_eq!(
        copies["command"],
        serde_json::json!(["install", "-m", "0400", format!("{from}/cookie"), format!("{to}/cookie")])
    );
    assert_eq!(
        named(&node["env"], "COOKIE_FILE")["value"],
        format!("{}/cookie", folder(node, "cookie")).as_str()
    );
    assert!(node["volumeMounts"].as_array().unwrap().iter().all(|mount| mount["name"] != "secret"));
    assert_eq!(at(pod, "/securityContext/runAsNonRoot"), true);
}
