// All words of the pages, in both languages. A page names a word by its key
// in `data-t`; code asks t("key", {name: value}).

const en = {
  ask_title: "What happened?",
  ask_lead: "Describe the problem in your own words. If we know the answer, you get it at once; otherwise it goes to somebody who can solve it.",
  ask_text: "The problem",
  ask_name: "Your name (optional)",
  ask_email: "E-mail for the answer (optional)",
  ask_send: "Send",
  ask_again: "Ask something else",
  sending: "Sending…",
  for_staff: "For staff",
  api_docs: "API documentation",
  answer_title: "This may help",
  answer_source: "From the knowledge base: {title}",
  answer_sure: "{percent}% sure",
  helped: "It helped",
  not_helped: "It did not help",
  thanks: "Glad it helped!",
  ticket_title: "Your request is on a desk",
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
  received_title: "Received",
  sign_in_title: "The desk",
  login: "Login",
  password: "Password",
  sign_in: "Sign in",
  sign_out: "Sign out",
  search: "Search, e.g. printer state:open",
  view_open: "All open",
  view_mine: "Mine",
  view_queue: "Nobody's",
  view_all: "All",
  more: "More",
  choose: "Choose a ticket on the left.",
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
  saved: "Saved",
  due_first: "First answer by",
  due_next: "Next answer by",
  due_solution: "Solved by",
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
  merge_into: "The number of the ticket that stays:",
  link_related_out: "related to", link_related_in: "related to",
  link_blocks_out: "blocks", link_blocks_in: "is blocked by",
  link_duplicate_out: "duplicate of", link_duplicate_in: "has the duplicate",
  link_split_out: "a part went to", link_split_in: "split off from",
  view_late: "Late",
  save_view: "Save this view",
  view_name: "Name of the view:",
  my_views: "Saved",
  talk_title: "Conversation",
  talk_write: "Add something",
  talk_send: "Send",
  talk_keep: "Keep this page's address: replies appear here.",
  rate: "Solved. How content are you?",
  rated: "Thank you!",
  state_new: "new", state_open: "open", state_pending: "waiting for the person", state_hold: "on hold",
  state_solved: "solved", state_closed: "closed", state_merged: "merged",
  error: "It did not work: {detail}",
  offline: "The desk cannot be reached. Your text is still here; try again.",
};

const ru: Record<keyof typeof en, string> = {
  ask_title: "Что случилось?",
  ask_lead: "Опишите проблему своими словами. Если ответ известен, вы получите его сразу; если нет — обращение попадёт к тому, кто может помочь.",
  ask_text: "Проблема",
  ask_name: "Ваше имя (необязательно)",
  ask_email: "Почта для ответа (необязательно)",
  ask_send: "Отправить",
  ask_again: "Спросить ещё",
  sending: "Отправляем…",
  for_staff: "Для сотрудников",
  api_docs: "Описание API",
  answer_title: "Возможно, это поможет",
  answer_source: "Из базы знаний: {title}",
  answer_sure: "уверенность {percent}%",
  helped: "Помогло",
  not_helped: "Не помогло",
  thanks: "Рады, что помогло!",
  ticket_title: "Обращение принято в работу",
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
  received_title: "Получено",
  sign_in_title: "Рабочее место",
  login: "Логин",
  password: "Пароль",
  sign_in: "Войти",
  sign_out: "Выйти",
  search: "Поиск, например: принтер state:open",
  view_open: "Все открытые",
  view_mine: "Мои",
  view_queue: "Ничьи",
  view_all: "Все",
  more: "Ещё",
  choose: "Выберите обращение слева.",
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
  saved: "Сохранено",
  due_first: "Первый ответ до",
  due_next: "Следующий ответ до",
  due_solution: "Решить до",
  suggested_answer: "Подходящая статья",
  insert: "Вставить",
  otklik: "Otklik",
  person: "Клиент",
  erased: "[стёрто]",
  corrected: "Человек решил иначе; следующая модель на этом учится.",
  canned: "Шаблоны ответов…",
  tags: "Метки",
  tags_hint: "vpn, ноутбук",
  files: "Файлы",
  attach: "Приложить файл",
  merge: "Объединить с…",
  merge_into: "Номер обращения, которое останется:",
  link_related_out: "связано с", link_related_in: "связано с",
  link_blocks_out: "мешает", link_blocks_in: "ждёт",
  link_duplicate_out: "повторяет", link_duplicate_in: "есть повтор",
  link_split_out: "часть вынесена в", link_split_in: "выделено из",
  view_late: "Просроченные",
  save_view: "Сохранить вид",
  view_name: "Название вида:",
  my_views: "Сохранённые",
  talk_title: "Переписка",
  talk_write: "Добавить сообщение",
  talk_send: "Отправить",
  talk_keep: "Сохраните адрес этой страницы: ответы появятся здесь.",
  rate: "Решено. Вы довольны?",
  rated: "Спасибо!",
  state_new: "новое", state_open: "в работе", state_pending: "ждём человека", state_hold: "отложено",
  state_solved: "решено", state_closed: "закрыто", state_merged: "объединено",
  error: "Не получилось: {detail}",
  offline: "Сервер недоступен. Ваш текст на месте, попробуйте ещё раз.",
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
  if (button) button.textContent = language === "ru" ? "English" : "Русский";
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

export function when(iso: string | null | undefined): string {
  if (!iso) return "—";
  return new Date(iso).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}
