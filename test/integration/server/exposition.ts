// A strict reader of the text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), with the rules
// that `promtool check metrics` adds.

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y

/** Reads it all or throws with the line that breaks a rule. */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line end')
  const families = new Map<string, Family & { samples: Sample[] }>()
  let current: (Family & { samples: Sample[] }) | null = null
  let help: { name: string; text: string } | null = null
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, helpName, helpText] = /^# HELP (\S+) (.+)$/.exec(line) ?? []
    const [, typeName, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line) ?? []
    if (helpName !== undefined && helpText !== undefined) {
      help = { name: helpName, text: helpText }
    } else if (typeName !== undefined && type !== undefined) {
      if (help?.name !== typeName) throw new Error(`no help directly before: ${line}`)
      if (families.has(typeName)) throw new Error(`a second time: ${line}`)
      current = { name: typeName, type, help: help.text, samples: [] }
      families.set(typeName, current)
    } else if (line.startsWith('#')) {
      throw new Error(`a comment of no known form: ${line}`)
    } else {
      addSample(line, current)
    }
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

function addSample(line: string, family: (Family & { samples: Sample[] }) | null): void {
  const [, name, labels = '', value] = sampleLine.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`)
  if (family === null || !namesOf(family).includes(name)) throw new Error(`outside its family: ${line}`)
  const sample = { name, labels: labelsOf(labels, line), value: Number(value.replace('Inf', 'Infinity')) }
  const same = (other: Sample) => other.name === name && JSON.stringify(other.labels) === JSON.stringify(sample.labels)
  if (family.samples.some(same)) throw new Error(`a second time: ${line}`)
  family.samples.push(sample)
}

function namesOf({ name, type }: Family): readonly string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`]
  return type === 'summary' ? [name, `${name}_sum`, `${name}_count`] : [name]
}

function labelsOf(text: string, line: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  for (label.lastIndex = 0; label.lastIndex < text.length; ) {
    const [, name, value, end] = label.exec(text) ?? []
    if (name === undefined || value === undefined || name in labels) throw new Error(`wrong labels: ${line}`)
    labels[name] = value
    if (end === '' && label.lastIndex !== text.length) throw new Error(`wrong labels: ${line}`)
  }
  return Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The names are our own affair only where they are ours: prom-client's nodejs_active_resources_total is a gauge. */
function checkFamily(family: Family): void {
  const isCounter = family.type === 'counter'
  if (family.name.startsWith('keyturn_') && isCounter !== family.name.endsWith('_total')) {
    throw new Error(`${family.name}: counters, and only counters, end in _total`)
  }
  if (family.type === 'histogram') checkHistogram(family)
}

/** Buckets count up, and the last of them, +Inf, is the count. */
function checkHistogram({ name, samples }: Family): void {
  const withoutLe = ({ labels }: Sample) => JSON.stringify({ ...labels, le: undefined })
  for (const [labels, ofOne] of Map.groupBy(samples, withoutLe)) {
    const buckets = ofOne.filter((one) => one.name === `${name}_bucket`)
    const counts = buckets.map(({ value }) => value)
    const bounds = buckets.map((one) => Number(one.labels['le']?.replace('Inf', 'Infinity')))
    const isRising = (numbers: readonly number[]) => numbers.every((one, index) => one >= (numbers[index - 1] ?? 0))
    const total = ofOne.find((one) => one.name === `${name}_count`)?.value
    if (!isRising(counts) || !isRising(bounds) || bounds.at(-1) !== Infinity || counts.at(-1) !== total) {
      throw new Error(`${name}${labels}: the buckets do not add up`)
    }
  }
}
