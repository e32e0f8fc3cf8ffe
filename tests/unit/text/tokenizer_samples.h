/* Small tokenizers for the tests; ' stands for " so that they can be read. */
#ifndef OTK_TESTS_TOKENIZER_SAMPLES_H
#define OTK_TESTS_TOKENIZER_SAMPLES_H

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "text/tokenizer.h"

#define SPECIAL(id, name, more)                                                \
    "{'id':" id ",'content':'" name "'," more "'special':true}"
#define EXACT "'normalized':false,"

static const char WORDPIECE[] =
    "{'version':'1.0','truncation':null,'padding':null,"
    "'added_tokens':[" SPECIAL("0", "[PAD]", EXACT) "," SPECIAL(
        "1", "[UNK]",
        EXACT) "," SPECIAL("2", "[CLS]",
                           EXACT) "," SPECIAL("3", "[SEP]",
                                              EXACT) ","
                                                     "{'id':16,'content':'<"
                                                     "mask>','lstrip':true,'"
                                                     "normalized':false},"
                                                     "{'id':17,'content':'VPN',"
                                                     "'single_word':true,'"
                                                     "normalized':true}],"
                                                     "'normalizer':{'type':'"
                                                     "BertNormalizer','clean_"
                                                     "text':true,"
                                                     "'handle_chinese_chars':"
                                                     "true,'strip_accents':"
                                                     "null,'lowercase':true},"
                                                     "'pre_tokenizer':{'type':'"
                                                     "BertPreTokenizer'},"
                                                     "'post_processor':{'type':"
                                                     "'TemplateProcessing','"
                                                     "single':["
                                                     "{'SpecialToken':{'id':'["
                                                     "CLS]','type_id':0}},"
                                                     "{'Sequence':{'id':'A','"
                                                     "type_id':0}},"
                                                     "{'SpecialToken':{'id':'["
                                                     "SEP]','type_id':0}}],'"
                                                     "pair':[],"
                                                     "'special_tokens':{"
                                                     "'[CLS]':{'id':'[CLS]','"
                                                     "ids':[2],'tokens':['[CLS]"
                                                     "']},"
                                                     "'[SEP]':{'id':'[SEP]','"
                                                     "ids':[3],'tokens':['[SEP]"
                                                     "']}}},"
                                                     "'decoder':null,"
                                                     "'model':{'type':'"
                                                     "WordPiece','unk_token':'["
                                                     "UNK]',"
                                                     "'continuing_subword_"
                                                     "prefix':'##','max_input_"
                                                     "chars_per_word':20,"
                                                     "'vocab':{'[PAD]':0,'[UNK]"
                                                     "':1,'[CLS]':2,'[SEP]':3,'"
                                                     "[MASK]':4,"
                                                     "'при':5,'##нт':6,'##ер':"
                                                     "7,'не':8,'печатает':9,'!'"
                                                     ":10,'中':11,'un':12,"
                                                     "'##able':13,'елки':14,','"
                                                     ":15}}}";

/* Signs of bytes: \u0120 is the space. */
static const char BPE[] =
    "{'normalizer':null,'added_tokens':[],"
    "'pre_tokenizer':{'type':'ByteLevel','add_prefix_space':true},"
    "'post_processor':{'type':'RobertaProcessing','sep':['</s>',1],"
    "'cls':['<s>',0],'trim_offsets':true,'add_prefix_space':true},"
    "'model':{'type':'BPE','unk_token':null,'vocab':{"
    "'<s>':0,'</s>':1,'l':2,'o':3,'w':4,'e':5,'r':6,'\u0120':7,'\u00d0':8,"
    "'\u00bb':9,'\u0120l':10,'ow':11,'\u0120low':12,'er':13,'\u00d0\u00bb':14},"
    "'merges':['\u0120 l','o w',['\u0120l','ow'],'e r','\u00d0 \u00bb']}}";

static const char UNIGRAM[] =
    "{'added_tokens':[],'normalizer':{'type':'Sequence','normalizers':["
    "{'type':'NFKC'},{'type':'Replace','pattern':{'Regex':' {2,}'},"
    "'content':' '}]},"
    "'pre_tokenizer':{'type':'Metaspace','replacement':'\u2581',"
    "'prepend_scheme':'always'},'post_processor':null,"
    "'model':{'type':'Unigram','unk_id':0,'vocab':[['<unk>',0],"
    "['\u2581',-3.5],['a',-3],['b',-3.1],['ab',-5.9],['\u2581a',-4],"
    "['\u2581abc',-6.5],['c',-2.5],['ba',-6.1]]}}";

/* JSON of a sample with the first `from` replaced; free() it. */
static inline char *sample_with(const char *sample, const char *from,
                                const char *to)
{
    const char *at = strstr(sample, from);
    if (!at)
        abort();
    size_t front = (size_t)(at - sample);
    size_t n = strlen(sample) - strlen(from) + strlen(to);
    char *json = malloc(n + 1);
    if (!json)
        abort();
    memcpy(json, sample, front);
    memcpy(json + front, to, strlen(to));
    memcpy(json + front + strlen(to), at + strlen(from),
           n - front - strlen(to) + 1);
    for (char *p = json; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    return json;
}

static inline int sample_parse(const char *sample, const char *from,
                               const char *to, struct tokenizer **ret,
                               struct err *e)
{
    char *json = sample_with(sample, from, to);
    int rc = tokenizer_parse(str_from(json), ret, e);
    free(json);
    return rc;
}

#endif
