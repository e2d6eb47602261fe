/**
 * The files by which runs are started on several hosts. What can be told without other hosts is
 * told here: that shell scripts are sound, that manifests are consistent with themselves and with
 * what the command reads, and what a hostfile means. With real hosts: scripts/test-hosts.sh and
 * scripts/test-slurm.sh.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { TlsFile } from "../../cluster/tls-material.ts";
import { launchOf } from "../../scripts/commands/launch-environment.ts";
import { program, type Said, workFolder } from "./command.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const LAUNCHER = join(ROOT, "scripts/launch-ssh.sh");
const PORT = "29717";
const SCRIPTS = [
  "launch-ssh.sh",
  "launch-ssh-host.sh",
  "slurm.sbatch",
  "test-hosts.sh",
  "test-prometheus.sh",
  "test-slurm.sh",
  "test-support.sh",
];

const has = (command: string): boolean =>
  spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;

let folder: ReturnType<typeof workFolder>;
beforeAll(() => {
  folder = workFolder();
});
afterAll(() => folder.remove());

describe("shell scripts", () => {
  const isThere = has("shellcheck");
  const name = isThere ? "pass shellcheck" : "not run: shellcheck is not installed";
  it.skipIf(!isThere)(name, async () => {
    const paths = SCRIPTS.map((script) => `scripts/${script}`);
    const said = await program("shellcheck", ["-x", ...paths], ROOT);
    expect(said.stdout).toBe("");
    expect(said.exitCode).toBe(0);
  });

  it("are read by bash to their end", async () => {
    for (const script of SCRIPTS) {
      expect((await program("bash", ["-n", `scripts/${script}`], ROOT)).stderr).toBe("");
    }
  });
});

describe("launch-ssh.sh", () => {
  const launch = (hosts: string, words: readonly string[]): Promise<Said> => {
    writeFileSync(join(folder.path, "hosts"), hosts);
    const args = [LAUNCHER, "--dry-run", "hosts", "small.yaml", ...words];
    return program("bash", args, folder.path);
  };
  const insecure = ["--insecure", "--rdzv-endpoint", "gpu1:4000"];

  it("reads a hostfile as MPI does", async () => {
    const lines = [
      "# all",
      "gpu1 slots=8",
      "me@gpu2:2222",
      "",
      "gpu3 # the last",
      "gpu1",
      "[fd00::1]:22",
    ];
    const said = await launch(lines.join("\n"), insecure);
    expect(said.stderr).toBe("");
    expect(said.stdout.split("\n").slice(0, 5)).toEqual([
      "rank 0: gpu1",
      "rank 1: me@gpu2 port 2222",
      "rank 2: gpu3",
      "rank 3: fd00::1 port 22",
      expect.stringMatching(/^meeting at gpu1:4000; node in /),
    ]);
    expect(said.exitCode).toBe(0);
  });

  it.each([
    ["-oProxyCommand=x", /hosts:1: '-oProxyCommand=x' is no host/],
    ["gpu1\n$(id)", /hosts:2: '\$\(id\)' is no host/],
    ["# none\n", /hosts: names no host/],
  ])("refuses the hostfile %j", async (hosts, message) => {
    const said = await launch(hosts, insecure);
    expect(said.stderr).toMatch(message);
    expect(said.exitCode).toBe(2);
  });

  it("wants to be told how links are protected, and takes one way", async () => {
    expect((await launch("gpu1", [])).stderr).toMatch(/need certificates: --tls FOLDER/);
    const both = await launch("gpu1", ["--insecure", "--tls=x"]);
    expect([both.stderr, both.exitCode]).toEqual([expect.stringMatching(/exclude/), 2]);
  });

  it("takes no word about who takes part but the hostfile's", async () => {
    const said = await launch("gpu1", [...insecure, "--nnodes=3"]);
    expect(said.stderr).toMatch(/--nnodes is not for this script/);
    expect(said.exitCode).toBe(2);
  });

  it("refuses a token file that others can read, before any ssh", async () => {
    const path = join(folder.path, "token");
    writeFileSync(path, "0".repeat(64));
    chmodSync(path, 0o644);
    writeFileSync(join(folder.path, "hosts"), "gpu1");
    const args = [LAUNCHER, "hosts", "small.yaml", ...insecure, "--token-file", "token"];
    const said = await program("bash", args, folder.path);
    expect(said.stderr).toMatch(/token file 'token' is mode 644, need 600/);
    expect(said.exitCode).toBe(77);
  });
});

/** As much of a manifest as is looked at. */
interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: Record<string, unknown>;
  readonly resources: { readonly requests: object; readonly limits: object };
}
interface Pod {
  readonly subdomain?: string;
  readonly restartPolicy?: string;
  readonly securityContext: Record<string, unknown>;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string; readonly defaultMode: number };
    readonly emptyDir?: { readonly medium?: string };
  }[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown> & {
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: Pod };
  };
}

function manifests(name: string): Manifest[] {
  const text = readFileSync(join(ROOT, "scripts/kubernetes", name), "utf8");
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  });
}

const [job] = manifests("job.yaml");
const [set] = manifests("stateful-set.yaml");
const [service, policy] = manifests("service.yaml");

describe("Kubernetes manifests", () => {
  it.each([
    ["Job", job, ["completions", "parallelism"]],
    ["StatefulSet", set, ["replicas"]],
  ] as const)(
    "%s: as many pods as --nnodes, and pod 0 is where they meet",
    (kind, manifest, counts) => {
      expect(manifest.kind).toBe(kind);
      const { metadata, spec } = manifest;
      const pod = spec.template.spec;
      const [container] = pod.containers;
      const args = container.args ?? [];
      const wordAfter = (word: string): string => args[args.indexOf(word) + 1];
      for (const count of counts) expect(String(spec[count])).toBe(wordAfter("--nnodes"));
      const environment = Object.fromEntries(
        (container.env ?? []).map(({ name, value }) => [name, value ?? "1"]),
      );
      // What Kubernetes calls the pods.
      const zero = `${metadata.name}-0.${service.metadata.name}`;
      expect(environment.MASTER_ADDR).toBe(zero);
      expect(environment.MASTER_PORT).toBe(PORT);
      expect(pod.subdomain ?? spec.serviceName).toBe(service.metadata.name);
      expect(container.ports).toEqual([{ name: "rendezvous", containerPort: Number(PORT) }]);
      // The command takes from all this what was meant.
      const launch = launchOf(
        { nnodes: Number(wordAfter("--nnodes")) },
        { ...environment, KUBERNETES_SERVICE_HOST: "10.0.0.1" },
        `${metadata.name}-1`,
      );
      expect(launch).toMatchObject({
        rank: 1,
        hosts: 3,
        address: { host: zero, port: Number(PORT) },
      });
      expect(spec.template.metadata.labels).toMatchObject(service.spec.selector as object);
    },
  );

  it("an Indexed Job tells the rank, never starts a pod again, and has the verdict of pod 0", () => {
    expect(job.spec).toMatchObject({
      completionMode: "Indexed",
      backoffLimitPerIndex: 0,
      successPolicy: { rules: [{ succeededIndexes: "0" }] },
    });
    expect(job.spec.template.spec.restartPolicy).toBe("Never");
  });

  it("a StatefulSet starts its pods at once, for pod 0 waits for the others", () => {
    expect(set.spec).toMatchObject({ podManagementPolicy: "Parallel", serviceName: "faultplane" });
  });

  it("the service is headless, and names pods that are not ready", () => {
    expect(service.spec).toMatchObject({
      clusterIP: "None",
      publishNotReadyAddresses: true,
      ports: [{ port: Number(PORT), targetPort: "rendezvous" }],
    });
    expect(policy.spec.podSelector).toEqual({ matchLabels: service.spec.selector });
  });

  it.each([
    ["Job", job],
    ["StatefulSet", set],
  ] as const)(
    "%s: secrets are copied to memory, mode 0600, for the user who reads them",
    (_, manifest) => {
      const pod = manifest.spec.template.spec;
      const [copier] = pod.initContainers;
      const [container] = pod.containers;
      const mountOf = ({ volumeMounts }: Container, at: string): string | undefined =>
        volumeMounts.find(({ mountPath }) => mountPath === at)?.name;
      const volume = (name: string | undefined) => pod.volumes.find((each) => each.name === name);
      expect(volume(mountOf(copier, "/mounted"))?.secret).toEqual({
        secretName: "faultplane",
        defaultMode: 0o440,
      });
      expect(volume(mountOf(copier, "/secrets"))?.emptyDir?.medium).toBe("Memory");
      expect(mountOf(container, "/secrets")).toBe(mountOf(copier, "/secrets"));
      expect(mountOf(container, "/mounted")).toBeUndefined();
      const files = ["token", ...Object.values(TlsFile)].map((name) => `/mounted/${name}`);
      expect(copier.command).toEqual(["install", "-m", "0600", "-t", "/secrets", ...files]);
      expect(container.args?.join(" ")).toMatch(/--token-file \/secrets\/token --tls \/secrets /);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10_001,
        fsGroup: 10_001,
      });
      for (const each of [copier, container]) {
        expect(each.image).toBe("faultplane:0.1.0");
        expect(each.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(each.resources).toMatchObject({ requests: {}, limits: {} });
        for (const { name } of each.volumeMounts.filter((mount) => mount.name !== "state")) {
          expect(volume(name)).toBeDefined();
        }
      }
    },
  );

  it("what a mounted secret is like would be refused without the copy", async () => {
    const path = join(folder.path, "mounted-token");
    writeFileSync(path, "0".repeat(64));
    chmodSync(path, 0o440);
    const args = ["join", "10.0.0.1:1", "--insecure", "--token-file", path];
    const said = await program(
      process.execPath,
      [join(ROOT, "dist/scripts/faultplane.js"), ...args],
      folder.path,
    );
    expect(said.stderr).toMatch(/is mode 0440, need 0600/);
    expect(said.exitCode).toBe(77);
  });
});

describe("the systemd unit", () => {
  const path = join(ROOT, "scripts/systemd/faultplane-join@.service");
  const text = readFileSync(path, "utf8");
  const isThere = has("systemd-analyze");
  const name = isThere ? "passes systemd-analyze verify" : "not run: systemd is not installed";
  it.skipIf(!isThere)(name, async () => {
    const runtime = join(folder.path, "runtime");
    mkdirSync(runtime);
    const said = await program("systemd-analyze", ["verify", "--man=no", path], ROOT, {
      XDG_RUNTIME_DIR: runtime,
    });
    expect(said.stderr.split("\n").filter((line) => line.includes("faultplane"))).toEqual([]);
    expect(said.exitCode).toBe(0);
  });

  it("loads the token and the certificates, and has neither as an argument", () => {
    const copied = /^ExecStartPre=.*$/m.exec(text)?.[0] ?? "";
    for (const file of ["token", ...Object.values(TlsFile)]) {
      expect(text).toContain(`LoadCredential=${file}:/etc/faultplane/${file}\n`);
      expect(copied).toContain(` %d/${file}`);
    }
    expect(copied).toContain("install -m 0600 -t %t/faultplane-join/%i ");
    expect(text).not.toMatch(/Environment=|[0-9a-f]{64}/);
  });
});
