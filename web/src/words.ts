// All words of the pages, in both languages. A page names a word by its key
// in `data-t`; code asks t("key", {name: value}).

const en = {
  ask_page: "Otklik: ask for help",
  desk_page: "Otklik: the desk",
  ask_title: "What happened?",
  ask_lead: "Describe the problem in your own words. If we know the answer, you get it at once; otherwise it goes to somebody who can solve it.",
  ask_text: "The problem",
  ask_name: "Your name",
  ask_email: "E-mail for the answer",
  optional: "optional",
  ask_send: "Send",
  ask_again: "Ask something else",
  sending: "Sending…",
  for_staff: "For staff",
  api_docs: "API documentation",
  asked: "You wrote",
  answer_title: "This may help",
  answer_source: "From the knowledge base: {title}",
  answer_sure: "{percent}% sure",
  helped: "It helped",
  not_helped: "It did not help",
  thanks: "Glad it helped!",
  ticket_title: "We have your request",
  solved_title: "Your request is solved",
  ticket_number: "No. {number}",
  ticket_where: "Where",
  ticket_topic: "Topic",
  ticket_priority: "Priority",
  ticket_due: "First answer by",
  ticket_reason: "Why there",
  in_queue: "in the queue of {team}",
  in_queue_any: "in the queue",
  ignored_title: "We are here",
  ignored_text: "Write what is wrong and we will help.",
  received_title: "We have your request",
  received_text: "We are reading it. The answer appears here by itself.",
  state_yours: "waiting for you",
  sign_in_title: "The desk",
  login: "Login",
  password: "Password",
  sign_in: "Sign in",
  sign_out: "Sign out",
  wrong_password: "The login or the password is wrong.",
  search: "Search, e.g. printer state:open",
  view: "Which tickets",
  tickets: "Tickets",
  arrived: "New ticket: {subject}",
  live: "New tickets appear by themselves",
  not_live: "No connection; trying again",
  back: "All tickets",
  view_open: "All open",
  view_mine: "Mine",
  view_queue: "Nobody's",
  view_all: "All",
  more: "More",
  choose: "Choose a ticket in the list.",
  nothing: "No tickets here.",
  nobody: "nobody",
  state: "State",
  assignee: "Assignee",
  why_topic: "Why “{label}”",
  confidence: "{percent}% sure, {mode}",
  mode_auto: "decided alone",
  mode_suggest: "suggested",
  mode_ask: "asks you",
  words_weighed: "Words that weighed",
  nearest: "Similar before",
  reply: "Reply",
  note: "Internal note",
  write: "Write to the person, or leave a note for colleagues",
  due_first: "First answer by",
  due_next: "Next answer by",
  due_solution: "Solved by",
  late_first: "first answer {time} late",
  late_next: "answer {time} late",
  late_solution: "solution {time} late",
  near_first: "first answer due in {time}",
  near_next: "answer due in {time}",
  near_solution: "solution due in {time}",
  suggested_answer: "Suggested article",
  insert: "Insert",
  otklik: "Otklik",
  person: "The person",
  erased: "[erased]",
  corrected: "A person said otherwise; the next model learns from it.",
  canned: "Canned replies…",
  tags: "Tags",
  tags_hint: "vpn, laptop",
  files: "Files",
  attach: "Attach a file",
  merge: "Merge into…",
  merge_into: "The number of the ticket that stays",
  merge_do: "Merge",
  cancel: "Cancel",
  dismiss: "Dismiss",
  link_related_out: "related to", link_related_in: "related to",
  link_blocks_out: "blocks", link_blocks_in: "is blocked by",
  link_duplicate_out: "duplicate of", link_duplicate_in: "has the duplicate",
  link_split_out: "a part went to", link_split_in: "split off from",
  view_late: "Late",
  save_view: "Save this view",
  view_name: "Name of the view",
  save: "Save",
  my_views: "Saved",
  talk_title: "Conversation",
  talk_write: "Add something",
  talk_send: "Send",
  voice: "Record your voice",
  voice_send: "Stop and send",
  voice_again: "Send again",
  voice_runs: "Recording, 5 minutes at most",
  voice_time: "Recorded so far",
  voice_kept: "The recording is kept.",
  voice_denied: "The browser does not let this page use the microphone. Allow it in the settings of the page, or attach a file.",
  voice_none: "There is no microphone. Connect one, or attach a file.",
  voice_failed: "Nothing was recorded. Try again, or attach a file.",
  talk_keep: "Keep this page's address: replies appear here.",
  rate: "Solved. How content are you?",
  rate_score: "{score} of 5",
  rate_scale: "1: not at all, 5: very",
  rated: "Thank you!",
  state_new: "new", state_open: "open", state_pending: "waiting for the person", state_hold: "on hold",
  state_solved: "solved", state_closed: "closed", state_merged: "merged",
  error: "It did not work: {detail}",
  offline: "The desk cannot be reached. What you wrote is kept; try again.",
  not_found: "There is no request at this address. Check the address, or write anew.",
  text_long: "The text is too long. Shorten it, or send it as a file.",
  text_empty: "Write what happened.",
  problem_session: "The session is over. Sign in again; what you wrote is kept.",
  problem_forbidden: "You may not do this. Ask an administrator.",
  problem_gone: "There is no such thing. Check the number or the address.",
  problem_changed: "A colleague was faster: here is the ticket as it is now. Your change was not made; repeat it if it still makes sense.",
  problem_large: "The text or the file is too large.",
  problem_often: "Too often. Try again in {time}; what you wrote is kept.",
  problem_later: "The desk cannot do this right now. What you wrote is kept; try again a little later.",
};

const ru: Record<keyof typeof en, string> = {
  ask_page: "Otklik: спросить",
  desk_page: "Otklik: рабочее место",
  ask_title: "Что случилось?",
  ask_lead: "Опишите проблему своими словами. Если ответ известен, вы получите его сразу; если нет — обращение попадёт к тому, кто может помочь.",
  ask_text: "Проблема",
  ask_name: "Ваше имя",
  ask_email: "Почта для ответа",
  optional: "необязательно",
  ask_send: "Отправить",
  ask_again: "Спросить ещё",
  sending: "Отправляем…",
  for_staff: "Для сотрудников",
  api_docs: "Описание API",
  asked: "Вы написали",
  answer_title: "Возможно, это поможет",
  answer_source: "Из базы знаний: {title}",
  answer_sure: "уверенность {percent}%",
  helped: "Помогло",
  not_helped: "Не помогло",
  thanks: "Рады, что помогло!",
  ticket_title: "Обращение принято",
  solved_title: "Обращение решено",
  ticket_number: "№ {number}",
  ticket_where: "У кого",
  ticket_topic: "Тема",
  ticket_priority: "Приоритет",
  ticket_due: "Первый ответ до",
  ticket_reason: "Почему туда",
  in_queue: "в очереди команды «{team}»",
  in_queue_any: "в очереди",
  ignored_title: "Мы на связи",
  ignored_text: "Напишите, что случилось, и мы поможем.",
  received_title: "Обращение принято",
  received_text: "Читаем его. Ответ появится здесь сам.",
  state_yours: "ждём вас",
  sign_in_title: "Рабочее место",
  login: "Логин",
  password: "Пароль",
  sign_in: "Войти",
  sign_out: "Выйти",
  wrong_password: "Логин или пароль неверны.",
  search: "Поиск, например: принтер state:open",
  view: "Какие обращения",
  tickets: "Обращения",
  arrived: "Новое обращение: {subject}",
  live: "Новые обращения появляются сами",
  not_live: "Нет связи, пробуем снова",
  back: "Все обращения",
  view_open: "Все открытые",
  view_mine: "Мои",
  view_queue: "Ничьи",
  view_all: "Все",
  more: "Ещё",
  choose: "Выберите обращение в списке.",
  nothing: "Здесь обращений нет.",
  nobody: "никто",
  state: "Состояние",
  assignee: "Исполнитель",
  why_topic: "Почему «{label}»",
  confidence: "уверенность {percent}%, {mode}",
  mode_auto: "решено автоматически",
  mode_suggest: "предложено",
  mode_ask: "решать вам",
  words_weighed: "Слова, которые повлияли",
  nearest: "Похожие раньше",
  reply: "Ответить",
  note: "Внутренняя заметка",
  write: "Напишите человеку или оставьте заметку коллегам",
  due_first: "Первый ответ до",
  due_next: "Следующий ответ до",
  due_solution: "Решить до",
  late_first: "первый ответ просрочен на {time}",
  late_next: "ответ просрочен на {time}",
  late_solution: "решение просрочено на {time}",
  near_first: "первый ответ: осталось {time}",
  near_next: "ответ: осталось {time}",
  near_solution: "решение: осталось {time}",
  suggested_answer: "Подходящая статья",
  insert: "Вставить",
  otklik: "Otklik",
  person: "Клиент",
  erased: "[стёрто]",
  corrected: "Человек решил иначе; следующая модель на этом учится.",
  canned: "Шаблоны…",
  tags: "Метки",
  tags_hint: "vpn, ноутбук",
  files: "Файлы",
  attach: "Приложить файл",
  merge: "Объединить с…",
  merge_into: "Номер обращения, которое останется",
  merge_do: "Объединить",
  cancel: "Отмена",
  dismiss: "Скрыть",
  link_related_out: "связано с", link_related_in: "связано с",
  link_blocks_out: "мешает", link_blocks_in: "ждёт",
  link_duplicate_out: "повторяет", link_duplicate_in: "есть повтор",
  link_split_out: "часть вынесена в", link_split_in: "выделено из",
  view_late: "Просроченные",
  save_view: "Сохранить вид",
  view_name: "Название вида",
  save: "Сохранить",
  my_views: "Сохранённые",
  talk_title: "Переписка",
  talk_write: "Добавить сообщение",
  talk_send: "Отправить",
  voice: "Записать голос",
  voice_send: "Закончить и отправить",
  voice_again: "Отправить ещё раз",
  voice_runs: "Идёт запись, не дольше 5 минут",
  voice_time: "Записано",
  voice_kept: "Запись сохранена.",
  voice_denied: "Браузер не даёт этой странице микрофон. Разрешите его в настройках страницы или приложите файл.",
  voice_none: "Микрофона нет. Подключите его или приложите файл.",
  voice_failed: "Ничего не записалось. Попробуйте ещё раз или приложите файл.",
  talk_keep: "Сохраните адрес этой страницы: ответы появятся здесь.",
  rate: "Решено. Насколько вы довольны?",
  rate_score: "{score} из 5",
  rate_scale: "1 — совсем нет, 5 — полностью",
  rated: "Спасибо!",
  state_new: "новое", state_open: "в работе", state_pending: "ждём человека", state_hold: "отложено",
  state_solved: "решено", state_closed: "закрыто", state_merged: "объединено",
  error: "Не получилось: {detail}",
  offline: "Сервер недоступен. Написанное сохранено, попробуйте ещё раз.",
  not_found: "По этому адресу обращения нет. Проверьте адрес или напишите заново.",
  text_long: "Текст слишком длинный. Сократите его или пришлите файлом.",
  text_empty: "Напишите, что случилось.",
  problem_session: "Сеанс закончился. Войдите снова; написанное сохранено.",
  problem_forbidden: "Это вам не разрешено. Обратитесь к администратору.",
  problem_gone: "Такого нет. Проверьте номер или адрес.",
  problem_changed: "Коллега успел раньше: обращение показано таким, какое оно сейчас. Ваше изменение не сохранено; повторите его, если оно ещё нужно.",
  problem_large: "Текст или файл слишком большой.",
  problem_often: "Слишком часто. Повторите через {time}; написанное сохранено.",
  problem_later: "Сейчас это не получается. Написанное сохранено; попробуйте чуть позже.",
};

export type Word = keyof typeof en;
export type Language = "ru" | "en";

const stored = (): string | null => {
  try { return localStorage.getItem("language"); } catch { return null; }
};

export let language: Language =
  (stored() ?? navigator.language).startsWith("ru") ? "ru" : "en";

export function t(key: Word, values: Record<string, string | number> = {}): string {
  const text = (language === "ru" ? ru : en)[key];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export function translate(): void {
  document.documentElement.lang = language;
  for (const e of document.querySelectorAll<HTMLElement>("[data-t]"))
    e.textContent = t(e.dataset.t as Word);
  const button = document.getElementById("language");
  if (!button) return;
  button.textContent = language === "ru" ? "English" : "Русский";
  button.lang = language === "ru" ? "en" : "ru";
}

// The button in the header; `then` redraws what code has drawn.
export function onLanguage(then: () => void): void {
  document.getElementById("language")!.addEventListener("click", () => {
    language = language === "ru" ? "en" : "ru";
    try { localStorage.setItem("language", language); } catch { /* private mode */ }
    translate();
    then();
  });
}

// The language as this person's country writes it: en-GB, not only en.
const locale = (): string =>
  navigator.languages.find((l) => l.startsWith(language)) ?? language;

export function when(iso: string | null | undefined): string {
  if (!iso) return "—";
  return new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

// The same for a list: the time of today, the day of before.
export function whenShort(iso: string): string {
  const at = new Date(iso);
  const now = new Date();
  return at.toDateString() === now.toDateString()
    ? at.toLocaleTimeString(locale(), { timeStyle: "short" })
    : at.toLocaleDateString(locale(), at.getFullYear() === now.getFullYear()
      ? { day: "numeric", month: "short" } : { dateStyle: "medium" });
}

export function number(value: number, unit: string): string {
  return value.toLocaleString(locale(), { style: "unit", unit,
                                          unitDisplay: unit === "byte" ? "long" : "short" });
}
