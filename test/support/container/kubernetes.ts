/** The resources of deploy/kubernetes, as kubectl builds them, and their types. */
import { execFileSync } from 'node:child_process';

import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import type { Container, PodSpec, PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

import { REPOSITORY } from '../processes.js';

export type Workload = Deployment | StatefulSet | Job | CronJob;
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
}

/** For each kind of resource, the module with its type. */
const TYPES: Readonly<Record<string, string>> = {
  Deployment: 'kubernetes-types/apps/v1',
  StatefulSet: 'kubernetes-types/apps/v1',
  CronJob: 'kubernetes-types/batch/v1',
  Job: 'kubernetes-types/batch/v1',
  Service: 'kubernetes-types/core/v1',
};

/** Builds a folder of deploy/kubernetes. */
export function resourcesOf(folder: string): Resource[] {
  const path = `${REPOSITORY}deploy/kubernetes/${folder}`;
  const text = execFileSync('kubectl', ['kustomize', path], { encoding: 'utf8' });
  return parseAllDocuments(text).map((document) => document.toJS() as Resource);
}

/** Returns the only resource of a folder that has a pod template. */
export function workloadOf(resources: readonly Resource[]): Workload {
  const found = resources.filter(({ kind }) => kind !== 'Service');
  if (found.length !== 1) throw new Error(`${found.length} resources have a pod template`);
  return found[0] as Workload;
}

export function templateOf({ spec }: Workload): PodTemplateSpec {
  return 'jobTemplate' in spec! ? spec.jobTemplate.spec!.template : spec!.template;
}

export function podOf(workload: Workload): PodSpec {
  return templateOf(workload).spec!;
}

/** Returns a container of a pod, including init containers, by its name. */
export function containerOf({ containers, initContainers = [] }: PodSpec, name: string): Container {
  const found = [...containers, ...initContainers].find((each) => each.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

/** Compares resources with the types of Kubernetes' API. @returns what TypeScript reports */
export function typeFaults(resources: readonly Resource[]): string[] {
  const file = `${REPOSITORY}test/support/container/resources-to-check.ts`;
  const lines = resources.map((resource) => {
    const { apiVersion, kind } = resource;
    const module = TYPES[kind];
    if (module === undefined) throw new Error(`no type is known for ${kind}`);
    const group = apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`;
    if (module !== `kubernetes-types/${group}`) throw new Error(`${kind} is not in ${apiVersion}`);
    return `(${JSON.stringify(resource)}) satisfies import('${module}.js').${kind};`;
  });
  const text = lines.join('\n');
  const options: ts.CompilerOptions = {
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    ...{
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      target: ts.ScriptTarget.ES2022,
    },
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name === file || disk.fileExists(name),
    readFile: (name) => (name === file ? text : disk.readFile(name)),
    getSourceFile: (name, ...rest) =>
      name === file
        ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
        : disk.getSourceFile(name, ...rest),
  };
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
