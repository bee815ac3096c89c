// What can be wrong with places of monitors: session.md, "Bounds of links and monitors", row by row.

const file = 'monitors.mjs';

export const monitors = [
  {
    rule: 'the own process monitors: a place is taken',
    file,
    from: 'const place = this.session.places.take(1);',
    to: 'const place = { free() {} };',
    noticed: [
      'session-limit-of-peer', 'session-limit-and-link-again', 'session-limit-and-link-that-can-come-back',
      'session-limit-and-link-that-comes-back', 'session-place-reserved-and-new-link-when-full',
      'session-place-of-exit-owed-at-peer', 'session-place-of-end-while-unlinking',
      'session-place-of-exit-while-unlinking', 'session-place-of-acknowledged-link',
      'session-place-of-other-acknowledgements', 'session-place-of-unlink', 'session-place-of-crossing-unlinks',
      'session-place-of-plain-unlink-while-unlinking', 'session-place-reserved-by-plain-unlink',
      'session-place-reserved-until-answered', 'session-place-reserved-until-answered-again',
      'session-place-reserved-until-refused', 'session-place-reserved-and-taken-over',
      'session-place-reserved-and-exit', 'session-place-of-demonitor', 'session-place-of-end-of-monitoring',
      'session-place-of-crossing-demonitor', 'session-place-of-other-monitor-exit', 'session-call-limit-of-peer',
      'session-call-place-of-demonitor', 'session-monitor-name-limit',
    ],
  },
  {
    rule: 'the own process ends a monitor, or ends: the place is kept until DEMONITOR is written',
    file,
    from: "    this.session.outbound.signal({ tag: 'DEMONITOR', fields: { ...monitor.pids, ref } }, () => monitor.place.free());",
    to: "    monitor.place.free();\n    this.session.outbound.signal({ tag: 'DEMONITOR', fields: { ...monitor.pids, ref } });",
    noticed: [
      'session-place-of-demonitor', 'session-place-of-end-of-monitoring', 'session-place-of-crossing-demonitor',
      'session-call-place-of-demonitor', 'session-monitor-name-limit',
    ],
  },
  {
    rule: 'DEMONITOR is written: the place is given back',
    file,
    from: ', () => monitor.place.free());',
    to: ');',
    noticed: [
      'session-place-of-demonitor', 'session-place-of-end-of-monitoring', 'session-place-of-crossing-demonitor',
      'session-call-place-of-demonitor', 'session-monitor-name-limit',
    ],
  },
  {
    rule: 'MONITOR_EXIT is read: the place is given back',
    file,
    from: '    monitor.place.free();\n    const native',
    to: '    const native',
    noticed: ['session-place-of-monitor-exit', 'session-call-limit-of-peer', 'session-monitor-name-limit'],
  },
  {
    rule: 'MONITOR_EXIT is read while DEMONITOR waits: the place is kept',
    file,
    from: "    this.#own.delete(ref);\n    this.session.outbound.signal({ tag: 'DEMONITOR', fields: { ...monitor.pids, ref } }, () => monitor.place.free());",
    to: "    monitor.over = true;\n    const written = () => { this.#own.delete(ref); monitor.place.free(); };\n    this.session.outbound.signal({ tag: 'DEMONITOR', fields: { ...monitor.pids, ref } }, written);",
    and: [["    this.#own.delete(ref);\n    monitor.place.free();\n    const native", "    this.#own.delete(ref);\n    monitor.place.free();\n    if (monitor.over) return;\n    const native"]],
    noticed: ['session-place-of-crossing-demonitor', 'session-call-place-of-demonitor'],
  },
  {
    rule: 'MONITOR is read: it takes a place',
    file,
    from: 'return this.#peers.size;',
    to: 'return 0;',
    noticed: [
      'session-place-of-monitor-here', 'session-place-of-monitor-exit-owed', 'session-place-of-other-demonitor',
      'session-called-limit', 'session-called-place-of-exit-owed', 'session-monitored-name-limit',
    ],
  },
  {
    rule: 'MONITOR is read, and no place is free: MONITOR_EXIT "limit"',
    file,
    from: '!process ? NOPROC : this.session.isFull ? LIMIT : null',
    to: '!process ? NOPROC : null',
    noticed: [
      'session-limit-of-node', 'session-limit-0', 'session-place-of-monitor-here', 'session-place-of-monitor-exit-owed',
      'session-place-of-other-demonitor', 'session-called-limit', 'session-called-place-of-exit-owed',
      'session-monitored-name-limit',
    ],
  },
  {
    rule: 'MONITOR is read, and no place is free: only if the process lives',
    file,
    from: '!process ? NOPROC : this.session.isFull ? LIMIT : null',
    to: 'this.session.isFull ? LIMIT : !process ? NOPROC : null',
    noticed: ['session-place-of-monitor-here', 'session-called-limit', 'session-monitored-name-limit'],
  },
  {
    rule: 'MONITOR of the dead is read: it takes no place',
    file,
    from: "    else {\n      const fields = { monitored: to",
    to: "    else {\n      if (!process) this.#peers.set(`${ref}`, {});\n      const fields = { monitored: to",
    noticed: ['session-place-of-monitor-of-the-dead', 'session-called-limit', 'session-monitored-name-limit'],
  },
  {
    rule: 'the monitored process ends: the place is kept',
    file,
    from: '() => this.#peers.delete(ref));',
    to: '() => {});\n      this.#peers.delete(ref);',
    noticed: [
      'session-demonitor-while-exit-is-owed', 'session-monitor-number-while-owed', 'session-place-of-monitor-exit-owed',
      'session-place-of-demonitor-while-owed', 'session-called-place-of-exit-owed',
      'session-called-given-up-while-exit-is-owed',
    ],
  },
  {
    rule: 'its MONITOR_EXIT is written: the place is given back',
    file,
    from: '() => this.#peers.delete(ref));',
    to: '() => this.#peers.set(ref, { ...monitor, process: null, own: null }));',
    noticed: [
      'session-place-of-monitor-exit-owed', 'session-called-place-of-exit-owed', 'session-called-unanswered',
      'session-called-by-name', 'session-monitored-name',
    ],
  },
  {
    rule: 'DEMONITOR is read: the place is given back',
    file,
    from: '    if (monitor.exit) this.session.outbound.cancel(monitor.exit);\n    this.#peers.delete(ref);',
    to: '    if (monitor.exit) this.session.outbound.cancel(monitor.exit);\n    this.#peers.set(ref, { ...monitor, process: null, own: null });',
    noticed: [
      'session-place-of-demonitor-here', 'session-place-of-demonitor-while-owed', 'session-called-place-of-demonitor',
      'session-monitored-name-limit',
    ],
  },
  {
    rule: 'DEMONITOR is read of a monitor that is ending: the place is given back',
    file,
    from: '    this.#peers.delete(ref);\n  }\n\n  onMonitorExit',
    to: '    if (!monitor.exit) this.#peers.delete(ref);\n  }\n\n  onMonitorExit',
    noticed: ['session-place-of-demonitor-while-owed'],
  },
  {
    rule: 'DEMONITOR with other pids is read: the place is kept',
    file,
    from: 'if (monitor === undefined || monitor.own !== own || monitor.theirs !== theirs) return;\n    if (monitor.exit)',
    to: 'if (monitor === undefined) return;\n    if (monitor.exit)',
    noticed: ['session-demonitor-of-peer', 'session-place-of-other-demonitor', 'session-called-other-demonitor'],
  },
  {
    rule: 'MONITOR_EXIT with other pids is read: the place is kept',
    file,
    from: '    if (monitor === undefined || monitor.process.local !== own || monitor.theirs !== theirs) return;\n    this.#own',
    to: '    if (monitor === undefined) return;\n    if (monitor.process.local !== own || monitor.theirs !== theirs) return void monitor.place.free();\n    this.#own',
    noticed: ['session-place-of-other-monitor-exit'],
  },
  {
    rule: 'SES-SPN-015: a request for a monitored process has no number that is in use',
    file: 'spawns.mjs',
    from: "    if (isMonitored) this.session.monitors.mustBeFree(request);\n",
    to: '',
    noticed: ['session-spawn-ref-in-use'],
  },
];
