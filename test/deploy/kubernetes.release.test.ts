/** The resources of deploy/kubernetes: built by kubectl, and compared with Kubernetes' types. */
import { readdirSync, readFileSync } from 'node:fs';

import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { parse } from 'yaml';

import {
  containerOf,
  podOf,
  type Resource,
  resourcesOf,
  templateOf,
  typeFaults,
  type Workload,
  workloadOf,
} from '../support/container/kubernetes.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { runSettings, USER } from '../../tools/bundle/image/image-config.js';

const FOLDER = `${REPOSITORY}deploy/kubernetes/`;
const EXAMPLES = ['cronjob', 'deployment', 'job', 'statefulset'] as const;
/** The volumes that Pod Security's profile `restricted` allows, as far as they are used. */
const ALLOWED_VOLUMES = ['name', 'secret', 'emptyDir', 'persistentVolumeClaim', 'configMap'];

const { commands } = JSON.parse(readFileSync(`${REPOSITORY}oclif.manifest.json`, 'utf8')) as {
  readonly commands: { readonly up: { readonly flags: Record<string, { readonly env?: string }> } };
};

/** Returns the patch that the component applies to the workload of an example. */
function patchOf(name: string): Workload {
  const file = name === 'cronjob' ? 'sidecar-cronjob.yaml' : 'sidecar.yaml';
  return parse(readFileSync(`${FOLDER}sidecar/${file}`, 'utf8')) as Workload;
}

it('adds the same to a CronJob as to other workloads', () => {
  expect(templateOf(patchOf('cronjob'))).toEqual(templateOf(patchOf('job')));
});

it('has the sidecar, and an example for each kind of workload', () => {
  expect(readdirSync(FOLDER).sort()).toEqual([...EXAMPLES, 'sidecar'].sort());
});

describeWith(['kubectl'], 'the resources', () => {
  const built = new Map<string, Resource[]>();
  beforeAll(() => {
    for (const name of EXAMPLES) built.set(name, resourcesOf(name));
  });
  const pod = (name: string): PodSpec => podOf(workloadOf(built.get(name)!));
  const sidecar = (name: string): Container => containerOf(pod(name), 'arctun');

  it('have only members of Kubernetes’ API', () => {
    const all = [...built.values()].flat();
    expect(typeFaults(all)).toEqual([]);
    const text = JSON.stringify(all);
    for (const [right, wrong] of [
      ['"restartPolicy":"Always"', '"restartPolice":"Always"'],
      ['"failureThreshold":90', '"failureThreshold":"90"'],
      ['"podReplacementPolicy"', '"podReplacement"'],
    ] as const) {
      expect(text).toContain(right);
      expect(typeFaults(JSON.parse(text.replace(right, wrong)) as Resource[])).not.toEqual([]);
    }
  }, 120_000);

  describe.each(EXAMPLES)('%s', (name) => {
    it('runs arctun as a native sidecar from the registry of the example', () => {
      const { restartPolicy, image, command, args } = sidecar(name);
      expect(pod(name).initContainers).toHaveLength(1);
      expect(restartPolicy).toBe('Always');
      expect(image).toBe('registry.example.com/arctun:latest');
      expect([command, args]).toEqual([undefined, undefined]);
    });

    it('restricts only arctun’s own container', () => {
      const { securityContext } = sidecar(name);
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      const template = templateOf(patchOf(name));
      expect(template.spec!.securityContext).toEqual({ fsGroup: USER });
      expect(template.spec!.containers).toBeUndefined();
    });

    it('satisfies the profile restricted of Pod Security', () => {
      const spec = pod(name);
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      for (const volume of spec.volumes ?? []) {
        expect(ALLOWED_VOLUMES).toEqual(expect.arrayContaining(Object.keys(volume)));
      }
      for (const { securityContext, ports = [] } of [...spec.containers, ...spec.initContainers!]) {
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(securityContext!.capabilities!.add).toBeUndefined();
        expect(securityContext!.runAsUser).toBeGreaterThan(0);
        expect(ports.filter(({ hostPort }) => hostPort !== undefined)).toEqual([]);
      }
    });

    it('sets only variables of up, and uses the paths and the user of the image', () => {
      const { env = [], volumeMounts = [], securityContext } = sidecar(name);
      const known = Object.values(commands.up.flags).map((flag) => flag.env);
      const used = env.map((each) => each.name).filter((each) => each.startsWith('ARCTUN_'));
      expect(used.length).toBeGreaterThan(2);
      for (const each of used) expect(known).toContain(each);
      const { Env, WorkingDir } = runSettings({});
      const config = Env.find((each) => each.startsWith('ARCTUN_CONFIG='))!.split('=')[1]!;
      const paths = volumeMounts.map(({ mountPath }) => mountPath);
      expect(paths).toContain(WorkingDir);
      expect(paths.some((path) => config === path || config.startsWith(`${path}/`))).toBe(true);
      expect(securityContext).toMatchObject({ runAsUser: USER, runAsGroup: USER });
      expect(pod(name).securityContext!.fsGroup).toBe(USER);
    });

    it('has a probe for each state, at the port of the status pages', () => {
      const { env, ports, ...probes } = sidecar(name);
      const listen = env!.find((each) => each.name === 'ARCTUN_STATUS_LISTEN')!.value;
      expect(listen).toBe(`0.0.0.0:${ports![0]!.containerPort}`);
      const path = (probe: 'startupProbe' | 'readinessProbe' | 'livenessProbe') => {
        expect(probes[probe]!.httpGet!.port).toBe(ports![0]!.name);
        return probes[probe]!.httpGet!.path;
      };
      expect(path('startupProbe')).toBe('/readyz');
      expect(path('readinessProbe')).toBe('/readyz');
      expect(path('livenessProbe')).toBe('/livez');
      // /livez answers within 5 s.
      expect(probes.livenessProbe!.timeoutSeconds).toBeGreaterThan(5);
      const { periodSeconds, failureThreshold } = probes.startupProbe!;
      const wait = Number(env!.find((each) => each.name === 'ARCTUN_WAIT')!.value);
      expect(periodSeconds! * failureThreshold!).toBeGreaterThan(wait + 15);
      const { annotations } = templateOf(workloadOf(built.get(name)!)).metadata!;
      expect(annotations).toEqual({
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(ports![0]!.containerPort),
        'prometheus.io/path': '/metrics',
      });
    });
  });

  it('never run two pods with one SIM', () => {
    expect(workloadOf(built.get('deployment')!).spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
    });
    const { spec } = workloadOf(built.get('job')!);
    expect(spec).toMatchObject({ podReplacementPolicy: 'Failed' });
    expect(spec).not.toHaveProperty('parallelism');
    const cronJob = workloadOf(built.get('cronjob')!) as CronJob;
    expect(cronJob.spec).toMatchObject({ concurrencyPolicy: 'Forbid' });
    expect(cronJob.spec!.jobTemplate.spec).toEqual({
      ...spec,
      template: expect.anything() as unknown,
    });
  });

  it('give each pod of the StatefulSet the file with its number, and nothing else of the Secret', () => {
    const { env, volumeMounts } = sidecar('statefulset');
    const secrets = pod('statefulset').volumes!.filter(({ secret }) => secret !== undefined);
    expect(secrets).toMatchObject([
      { name: 'arctun-config', secret: { secretName: 'arctun-sims' } },
    ]);
    expect(volumeMounts!.filter(({ name }) => name === 'arctun-config')).toEqual([
      {
        name: 'arctun-config',
        mountPath: '/etc/arctun/arc.json',
        subPathExpr: 'arc-$(POD_INDEX).json',
        readOnly: true,
      },
    ]);
    const index = env!.find((each) => each.name === 'POD_INDEX')!;
    expect(index.valueFrom!.fieldRef!.fieldPath).toBe(
      "metadata.labels['apps.kubernetes.io/pod-index']",
    );
  });

  it('keep the state of each pod of the StatefulSet on its own volume', () => {
    const { spec } = workloadOf(built.get('statefulset')!) as StatefulSet;
    const claims = spec!.volumeClaimTemplates!.map(({ metadata }) => metadata!.name);
    expect(claims).toEqual(['arctun-state']);
    expect(pod('statefulset').volumes!.map(({ name }) => name)).not.toContain('arctun-state');
    const services = built.get('statefulset')!.filter(({ kind }) => kind === 'Service');
    expect(services).toMatchObject([
      { metadata: { name: spec!.serviceName }, spec: { clusterIP: 'None' } },
    ]);
  });
});
