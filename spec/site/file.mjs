// A file that somebody chooses or drops on a page.

const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Has `take` called with each file that comes, and `refuse` with a sentence if it is too long. */
export function takeFiles(chooser, take, refuse) {
  const given = file => {
    if (!file) return;
    if (file.size > FILE_BYTES_MAX) refuse('The file is longer than 64 MiB.');
    else take(file);
  };
  chooser.addEventListener('change', () => given(chooser.files[0]));
  const over = document.body.classList;
  document.addEventListener('dragover', event => {
    event.preventDefault();
    over.add('over');
  });
  document.addEventListener('dragleave', () => over.remove('over'));
  document.addEventListener('drop', event => {
    event.preventDefault();
    over.remove('over');
    given(event.dataTransfer.files[0]);
  });
}
